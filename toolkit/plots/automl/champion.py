"""Figures of the champion: members, calibration, threshold, holdout, shuffled labels, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit import formats, metrics
from toolkit.artifacts import Bin, Champion, Interval, Leaderboard
from toolkit.plots.automl.shared import engine_legend, engine_of, interval, look, nothing, number
from toolkit.plots.style import BLUE, GREEN, GREY, ORANGE, RED, Plot, canvas, name_rows, shorten

_MOST_MEMBERS = 20


def ensemble(board: Leaderboard, name: str = "") -> Plot:
    """Draw the weights of an ensemble's models.

    Parameters
    ----------
    board : Leaderboard
    name : str
        The ensemble; the best-placed one if not given.
    """
    found = [entry for entry in board.entries if entry.members and name in ("", entry.name)]
    if not found:
        return nothing("Weights of the ensemble", "No model on the leaderboard is an ensemble.")
    title = f"Members of {found[0].name}"
    members = sorted(found[0].members.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = members[:_MOST_MEMBERS], members[_MOST_MEMBERS:]
    engines = {entry.name: entry.engine for entry in board.entries}
    alt = "Weights: " + ", ".join(f"{model} {formats.percent(weight)}" for model, weight in shown)
    alt += f", {len(rest)} more." if rest else "."
    with canvas(title, alt, width=7.0, height=1.2 + 0.3 * len(shown)) as sheet:
        axes = sheet.axes
        for place, (model, weight) in enumerate(shown):
            colour, _ = look(engines.get(model, engine_of(model)))
            axes.barh(place, weight, color=colour, height=0.65)
            axes.text(weight, place, f" {formats.percent(weight)}", va="center", fontsize=9)
        name_rows(axes, [shorten(model, 40) for model, _ in shown])
        axes.set_xlim(0, max(weight for _, weight in shown) * 1.15)
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_formatter(lambda value, _: formats.percent(value))
        engine_legend(axes, {engines.get(model, engine_of(model)) for model, _ in shown})
        axes.set_xlabel("weight of the model's prediction")
        sheet.figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return sheet.plot


def calibration(champion: Champion) -> Plot:
    """Draw observed against predicted shares, before and after calibration."""
    title = f"Calibration of {champion.name} on the out-of-fold rows"
    if not champion.calibration_before:
        return nothing(title, "A number is predicted: there is no probability to check.")
    chosen, before = champion.calibration, champion.error_before
    after = champion.calibration_error
    alt = f"Calibration chosen: {chosen}."
    if before is not None:
        alt += f" Mean distance of predicted and observed shares: {before:.3f}"
        alt += f" before, {after:.3f} after." if after is not None and chosen != "none" else "."
    elif after is not None:
        alt += f" Mean distance of predicted and observed shares afterwards: {after:.3f}."
    label = "before calibration"
    curves = [(label + _error(before), champion.calibration_before, BLUE, "o")]
    if chosen != "none":
        label = f"after {chosen} calibration{_error(after)}"
        curves.append((label, champion.calibration_after, ORANGE, "D"))
    several = champion.threshold is None
    with canvas(title, alt, width=5.6, height=4.8) as sheet:
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
        sheet.figure.legend(loc="outside lower center", ncols=1, fontsize=9)
    return sheet.plot


def threshold(champion: Champion) -> Plot:
    """Draw the mean cost a row, precision and recall over all thresholds."""
    title = "Cost, recall and precision by threshold on the out-of-fold rows"
    curve, chosen = champion.threshold_curve, champion.threshold
    if chosen is None or not curve:
        return nothing(title, "There is no threshold: only a yes-or-no decision has one.")
    here = min(curve, key=lambda point: abs(point.threshold - chosen))
    alt = (
        f"At the threshold {formats.number(chosen)}: mean cost {formats.number(here.cost, 4)} a"
        f" row,"
        f" {formats.percent(here.flagged)} flagged, recall {_share(here.recall)},"
        f" precision {_share(here.precision)}. {champion.threshold_rule}."
    )
    x = [point.threshold for point in curve]
    with canvas(title, alt, height=4.8, rows=2) as sheet:
        top, bottom = sheet.axes
        top.plot(x, [point.cost for point in curve], color=BLUE, linewidth=1.6)
        top.plot(chosen, here.cost, "o", color=RED)
        top.annotate(
            f"{formats.number(chosen)}: cost {formats.number(here.cost)}",
            (chosen, here.cost),
            xytext=(8, 14),
            textcoords="offset points",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.7},
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


def holdout(champion: Champion) -> Plot:
    """Draw the score that won the selection beside the score on the holdout rows."""
    found = champion.holdout
    if found is None or found.score.value is None:
        return nothing("Selection and holdout", "The champion has no score on the holdout rows.")
    metric = metrics.get(found.metric)
    title = f"{metric.title}: the selection score, and {found.rows:,} unseen rows"
    optimistic = not found.explained and (found.optimism or 0) > 0
    colour = RED if optimistic else GREEN
    alt = f"Holdout: {interval(found.score)}. Selection: {number(found.selection)}."
    if found.optimism is not None:
        alt += f" Optimism: {formats.number(found.optimism, 2, sign=True)}"
        alt += ", within sampling error." if found.explained else ", beyond sampling error."
    with canvas(title, alt, height=2.2) as sheet:
        axes = sheet.axes
        _range(axes, 1, found.score, colour, "o")
        if found.selection is not None:
            axes.plot(found.selection, 0, "D", color=BLUE, markersize=8)
            axes.plot([found.selection] * 2, [0, 1], ":", color=BLUE, linewidth=1)
            _text(axes, found.selection, 0, number(found.selection))
        _text(axes, found.score.value, 1, interval(found.score))
        axes.set_yticks([0, 1], ["selection\n(out-of-fold rows)", "holdout rows"])
        axes.set_ylim(1.6, -0.6)
        axes.margins(x=0.25)
        axes.grid(axis="y", visible=False)
        better = "higher is better" if metric.greater_is_better else "lower is better"
        axes.set_xlabel(f"{metric.title} ({better})")
    return sheet.plot


def shuffled(champion: Champion) -> Plot:
    """Draw the score that a model of the champion's kind gets on shuffled labels, beside chance."""
    found = champion.shuffled
    if found is None or found.score.value is None:
        return nothing("Shuffled labels", "The champion was not fitted on shuffled labels.")
    metric = metrics.get(found.metric)
    title = f"{metric.title} on shuffled labels"
    colour = RED if found.better_than_chance else GREEN
    alt = f"On shuffled labels: {interval(found.score)}; a constant guess: {number(found.chance)}."
    alt += (
        " Better than chance on shuffled labels: leakage suspected."
        if found.better_than_chance
        else " No better than chance, as expected."
    )
    with canvas(title, alt, height=1.9) as sheet:
        axes = sheet.axes
        _range(axes, 0, found.score, colour, "o")
        _text(axes, found.score.value, 0, interval(found.score))
        if found.chance is not None:
            _mark(axes, found.chance, f"constant guess {number(found.chance)}")
        axes.set_yticks([0], ["shuffled labels"])
        axes.set_ylim(0.75, -0.7)
        axes.margins(x=0.3)
        axes.grid(axis="y", visible=False)
        better = "higher is better" if metric.greater_is_better else "lower is better"
        axes.set_xlabel(f"{metric.title} ({better})")
    return sheet.plot


def conformal(champion: Champion) -> Plot:
    """Draw how often the conformal intervals or sets held the truth on the holdout rows."""
    found = champion.conformal
    if found is None or found.measured.value is None:
        return nothing("Coverage", "No conformal intervals were made.")
    what = "sets of classes" if champion.calibration_scores else "intervals"
    size = (
        f"mean width {number(found.size)}"
        if what == "intervals"
        else f"{found.size:.2f} classes in a set on average"
    )
    title = f"How often the {what} cover the true value on the holdout rows ({size})"
    low = found.measured.value if found.measured.low is None else found.measured.low
    high = found.measured.value if found.measured.high is None else found.measured.high
    kept = low <= found.coverage <= high or found.measured.value >= found.coverage
    alt = (
        f"Nominal coverage: {formats.percent(found.coverage)}. Empirical coverage:"
        f" {_percents(found.measured)}; {size}."
    )
    with canvas(title, alt, height=1.9) as sheet:
        axes = sheet.axes
        _range(axes, 0, found.measured, GREEN if kept else RED, "o")
        _text(axes, found.measured.value, 0, _percents(found.measured))
        _mark(axes, found.coverage, f"nominal: {formats.percent(found.coverage)}")
        axes.set_yticks([0], ["empirical"])
        axes.set_ylim(0.75, -0.7)
        axes.set_xlim(max(0.0, min(low, found.coverage) - 0.08), 1.005)
        axes.xaxis.set_major_formatter(lambda value, _: f"{formats.number(100 * value)}%")
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("share of rows whose true value is covered")
    return sheet.plot


def _range(axes: Any, place: float, score: Interval, colour: str, mark: str) -> None:
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [place, place], color=colour, linewidth=2.4)
    axes.plot(score.value, place, mark, color=colour, markersize=8)


def _mark(axes: Any, x: float, text: str) -> None:
    axes.axvline(x, color=GREY, linestyle="--", linewidth=1.2)
    axes.annotate(
        text, (x, 0.55), fontsize=8, color=GREY, ha="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def _text(axes: Any, x: float, place: float, text: str) -> None:
    axes.annotate(
        text, (x, place), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9
    )


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


def _error(value: float | None) -> str:
    return "" if value is None else f": error {value:.3f}"


def _percents(score: Interval) -> str:
    if score.value is None or score.low is None or score.high is None:
        return _share(score.value)
    value, low, high = formats.distinct_from([score.value, score.low, score.high], formats.share)
    return f"{value} ({low} to {high})"


def _share(value: float | None) -> str:
    return "undefined" if value is None else formats.percent(value)
