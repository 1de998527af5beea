"""Figures of the search and the champion, from the artefacts of ``04_automl``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit import metrics
from toolkit.artifacts import Bin, Champion, Entry, Leaderboard, Search
from toolkit.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Plot, canvas, shorten

_LOOKS = {"baseline": (GREY, "s"), "h2o": (BLUE, "o"), "autokeras": (ORANGE, "D")}
_OTHER = (PURPLE, "^")
_MOST = 30


def leaderboard(board: Leaderboard) -> Plot:
    """Draw every model's score with its interval, best on top, engines by colour and marker.

    A hollow marker means that the difference to the best may be chance.
    """
    metric = metrics.get(board.metric)
    shown = board.entries[:_MOST]
    title = f"{metric.title} on {board.scored_rows:,} validation rows"
    best = shown[0]
    alike = [entry.name for entry in shown if entry.within_noise]
    alt = f"Best: {best.name} {_value(best)}."
    if alike:
        alt += f" Not told apart from it: {', '.join(alike)}."
    with canvas(title, alt, height=1.3 + 0.3 * len(shown)) as sheet:
        axes = sheet.axes
        for place, entry in enumerate(shown):
            _interval(axes, place, entry)
        for engine in sorted({entry.engine for entry in shown}):
            colour, mark = _LOOKS.get(engine, _OTHER)
            axes.plot([], [], mark, color=colour, label=engine)
        axes.plot([], [], "o", color="black", markerfacecolor="white", label="may be chance")
        names = [f"{entry.name}  ({shorten(entry.family, 34)})" for entry in shown]
        axes.set_yticks(range(len(shown)), names)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        better = "higher is better" if metric.greater_is_better else "lower is better"
        axes.set_xlabel(f"{metric.title} ({better}), with interval")
        sheet.figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return sheet.plot


def speed(board: Leaderboard, search: Search) -> Plot:
    """Draw each model's score against the seconds it takes to score 1,000 rows."""
    from matplotlib.ticker import LogLocator, NullFormatter

    metric = metrics.get(board.metric)
    title = f"{metric.title} and the time to score 1,000 rows"
    timed = [
        (entry, search.scoring_seconds[entry.name])
        for entry in board.entries
        if entry.name in search.scoring_seconds and entry.score.value is not None
    ]
    alt = "; ".join(
        f"{entry.name} {_value(entry)}, {seconds * 1000:.0f} ms" for entry, seconds in timed[:8]
    )
    if not timed:
        return _nothing(title, "No model has a score.")
    with canvas(title, alt, height=3.6) as sheet:
        axes = sheet.axes
        for entry, seconds in timed:
            colour, mark = _LOOKS.get(entry.engine, _OTHER)
            axes.plot(max(seconds, 1e-4) * 1000, entry.score.value, mark, color=colour)
        # The best and the quickest have names; more would lie on top of each other.
        for entry, seconds in {timed[0][0].name: timed[0], **_quickest(timed)}.values():
            axes.annotate(
                entry.name,
                (max(seconds, 1e-4) * 1000, entry.score.value),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        for engine in sorted({entry.engine for entry, _ in timed}):
            colour, mark = _LOOKS.get(engine, _OTHER)
            axes.plot([], [], mark, color=colour, label=engine)
        axes.set_xscale("log")
        axes.margins(x=0.25, y=0.12)
        # The default labels of minor ticks are formulas, which the style does not typeset.
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("milliseconds for 1,000 rows (logarithmic)")
        axes.set_ylabel(metric.title)
        sheet.figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return sheet.plot


def calibration(champion: Champion) -> Plot:
    """Draw observed against predicted shares, before and after calibration."""
    title = f"Calibration of {champion.name} on the validation rows"
    if not champion.calibration_before:
        return _nothing(title, "A number is predicted: there is no probability to check.")
    chosen = champion.calibration
    error = champion.calibration_error
    alt = f"Calibration chosen: {chosen}." + (
        f" Mean distance of predicted and observed shares afterwards: {error:.3f}."
        if error is not None
        else ""
    )
    curves = [("as the model gives it", champion.calibration_before, BLUE, "o")]
    if chosen != "none":
        curves.append((f"after {chosen} calibration", champion.calibration_after, ORANGE, "D"))
    several = champion.threshold is None
    with canvas(title, alt, width=5.2, height=4.6) as sheet:
        axes = sheet.axes
        axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="perfect")
        for label, bins, colour, mark in curves:
            _bins(axes, label, bins, colour, mark)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(
            "probability of the likeliest class" if several else "predicted probability"
        )
        axes.set_ylabel("share right" if several else "observed share of positives")
        sheet.figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return sheet.plot


def threshold(champion: Champion) -> Plot:
    """Draw the mean cost a row, precision and recall over all thresholds."""
    title = "What the threshold brings on the validation rows"
    curve, chosen = champion.threshold_curve, champion.threshold
    if chosen is None or not curve:
        return _nothing(title, "There is no threshold: only a yes-or-no decision has one.")
    here = min(curve, key=lambda point: abs(point.threshold - chosen))
    alt = (
        f"At the threshold {chosen:.3g}: mean cost {here.cost:.4g} a row,"
        f" {here.flagged:.0%} flagged, recall {_share(here.recall)},"
        f" precision {_share(here.precision)}. {champion.threshold_rule}."
    )
    x = [point.threshold for point in curve]
    with canvas(title, alt, height=4.8, rows=2) as sheet:
        top, bottom = sheet.axes
        top.plot(x, [point.cost for point in curve], color=BLUE, linewidth=1.6)
        top.plot(chosen, here.cost, "o", color=RED)
        top.annotate(
            f"{chosen:.3g}: cost {here.cost:.3g}",
            (chosen, here.cost),
            xytext=(8, 14),
            textcoords="offset points",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
        top.set_ylabel("mean cost a row")
        top.margins(y=0.15)
        series = (
            ("recall", [p.recall for p in curve], GREEN, "-"),
            ("precision", [p.precision for p in curve], ORANGE, "--"),
            ("share flagged", [p.flagged for p in curve], GREY, ":"),
        )
        for label, values, colour, line in series:
            heights = [float("nan") if value is None else value for value in values]
            bottom.plot(x, heights, line, color=colour, label=label)
        bottom.set_ylabel("share")
        bottom.set_xlabel("threshold on the calibrated probability")
        bottom.legend(fontsize=8, loc="best")
        for axes in (top, bottom):
            axes.axvline(chosen, color=RED, linewidth=1)
            axes.set_xlim(0, 1)
    return sheet.plot


def _quickest(timed: list[tuple[Entry, float]]) -> dict[str, tuple[Entry, float]]:
    entry, seconds = min(timed, key=lambda pair: pair[1])
    return {entry.name: (entry, seconds)}


def _interval(axes: Any, place: int, entry: Entry) -> None:
    colour, mark = _LOOKS.get(entry.engine, _OTHER)
    score = entry.score
    if score.value is None:
        return
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [place, place], color=colour, linewidth=1.6)
    axes.plot(
        score.value, place, mark, color=colour, markersize=7,
        markerfacecolor="white" if entry.within_noise else colour,
    )  # fmt: skip


def _bins(axes: Any, label: str, bins: Sequence[Bin], colour: str, mark: str) -> None:
    observed = [each.observed for each in bins]
    reach = [
        [max(0.0, each.observed - each.low) for each in bins],
        [max(0.0, each.high - each.observed) for each in bins],
    ]
    axes.errorbar(
        [each.predicted for each in bins], observed, yerr=reach, fmt=f"{mark}-", color=colour,
        capsize=3, linewidth=1.2, markersize=5, label=label,
    )  # fmt: skip


def _nothing(title: str, text: str) -> Plot:
    with canvas(title, text, height=1.0) as sheet:
        sheet.axes.text(0.5, 0.5, text, ha="center", va="center")
        sheet.axes.set_axis_off()
    return sheet.plot


def _value(entry: Entry) -> str:
    score = entry.score
    if score.value is None:
        return "unknown"
    if score.low is None or score.high is None:
        return f"{score.value:.4g}"
    return f"{score.value:.4g} ({score.low:.4g} to {score.high:.4g})"


def _share(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.0%}"
