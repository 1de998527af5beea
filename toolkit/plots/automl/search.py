"""Figures of the search, from the artefacts of ``04_automl``; the champion's stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit import formats, metrics
from toolkit.artifacts import Entry, Interval, Leaderboard, SearchSummary
from toolkit.plots.automl.champion import (
    calibration,
    conformal,
    ensemble,
    holdout,
    shuffled,
    threshold,
)
from toolkit.plots.automl.shared import (
    engine_legend,
    engine_of,
    interval,
    look,
    milliseconds,
    nothing,
    number,
)
from toolkit.plots.style import BLUE, GREY, RED, Plot, canvas, name_rows, shorten

__all__ = [
    "calibration",
    "conformal",
    "ensemble",
    "holdout",
    "leaderboard",
    "pareto",
    "progress",
    "shuffled",
    "threshold",
    "timeline",
]

_MOST = 30
_FEW = 5
_FAR = 8.0
"""Models this many times farther from the best than most are drawn at the edge."""


def leaderboard(board: Leaderboard) -> Plot:
    """Draw every model's score with its interval, best on top, engines by colour and marker.

    A hollow marker means that there is no clear difference to the first; a red cross that
    the model violates a constraint.
    """
    metric = metrics.get(board.metric)
    shown = board.entries[:_MOST]
    title = f"{metric.title} on {board.scored_rows:,} out-of-fold rows"
    if not shown:
        return nothing(title, "No model was made.")
    best = shown[0]
    alike = [entry.name for entry in shown if entry.within_noise]
    broken = [entry.name for entry in shown if entry.violates]
    alt = f"Best: {best.name} {interval(best.score)}."
    if alike:
        alt += f" Not clearly worse: {', '.join(alike)}."
    if broken:
        alt += f" Violate a constraint: {', '.join(broken)}."
    with canvas(title, alt, width=8.2, height=1.4 + 0.3 * len(shown)) as sheet:
        axes = sheet.axes
        window = _window(shown)
        if window is not None:
            axes.set_xlim(*window)
        for place, entry in enumerate(shown):
            _line(axes, place, entry)
        engine_legend(axes, {entry.engine for entry in shown})
        axes.plot(
            [],
            [],
            "o",
            color="black",
            markerfacecolor="white",
            label="no clear difference to the first",
        )
        if broken:
            axes.plot([], [], "x", color=RED, markersize=8, label="violates a constraint")
        names = [_label(entry) for entry in shown]
        name_rows(axes, names)
        axes.grid(axis="y", visible=False)
        better = "higher is better" if metric.greater_is_better else "lower is better"
        axes.set_xlabel(f"{metric.title} ({better}), with interval")
        sheet.figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return sheet.plot


def pareto(board: Leaderboard, search: SearchSummary) -> Plot:
    """Draw quality against latency, with the front of models that no other one beats in both.

    Models that break a constraint are crossed out and never on the front.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    metric = metrics.get(board.metric)
    title = f"{metric.title} and the time to score 1,000 rows"
    timed = [
        (entry, max(search.scoring_seconds[entry.name] * 1000, 0.1))
        for entry in board.entries
        if entry.name in search.scoring_seconds and entry.score.value is not None
    ]
    if not timed:
        return nothing(title, "No model has a score and a time.")
    front = _front(timed, greater=metric.greater_is_better)
    names = {entry.name for entry, _ in front}
    alt = "Pareto front, fastest first: " + "; ".join(
        f"{entry.name} {number(entry.score.value)} in {milliseconds(ms / 1000)} ms"
        for entry, ms in front
    )
    with canvas(title, f"{alt}.", height=4.0) as sheet:
        axes = sheet.axes
        axes.plot(
            [ms for _, ms in front],
            [entry.score.value for entry, _ in front],
            color=GREY, linewidth=1.4, drawstyle="steps-post", zorder=1, label="front",
        )  # fmt: skip
        first = timed[0][0].score
        width = 0.0 if first.low is None or first.high is None else first.high - first.low
        near = _limit(axes, [entry.score.value or 0.0 for entry, _ in timed], width)
        for entry, ms in timed:
            if entry.score.value not in near:
                continue
            colour, mark = look(entry.engine)
            faint = 1.0 if entry.name in names else 0.45
            axes.plot(ms, entry.score.value, mark, color=colour, alpha=faint, markersize=7)
            if entry.violates:
                axes.plot(ms, entry.score.value, "x", color=RED, markersize=10)
        _name_front(axes, front, greater=metric.greater_is_better)
        engine_legend(axes, {entry.engine for entry, _ in timed})
        if any(entry.violates for entry, _ in timed):
            axes.plot([], [], "x", color=RED, markersize=8, label="violates a constraint")
        axes.set_xscale("log")
        axes.margins(x=0.2)
        # The default labels of minor ticks are formulas, which the style does not typeset.
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(lambda value, _: formats.number(value, 6))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("milliseconds for 1,000 rows (log scale; left is faster)")
        up = "up" if metric.greater_is_better else "down"
        axes.set_ylabel(f"{metric.title} ({up} is better)")
        sheet.figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return sheet.plot


def timeline(board: Leaderboard, search: SearchSummary) -> Plot:
    """Draw each model's score when it was done, and the best so far as a step line."""
    return progress(board.metric, search.timeline)


def progress(metric_name: str, points: Sequence[tuple[float, str, float | None]]) -> Plot:
    """Draw the search's progress from seconds, models and scores in order of finishing.

    Parameters
    ----------
    metric_name : str
        The ranking metric.
    points : sequence of (float, str, float or None)
        As in `SearchSummary.timeline`.
    """
    metric = metrics.get(metric_name)
    title = f"Best {metric.title} so far, over time"
    scored = [(seconds, name, score) for seconds, name, score in points if score is not None]
    if not scored:
        return nothing(title, "No model has a score yet.")
    pick = max if metric.greater_is_better else min
    best = [pick(score for _, _, score in scored[: n + 1]) for n in range(len(scored))]
    leader = next(name for _, name, score in scored if score == best[-1])
    last = next(seconds for (seconds, _, _), value in zip(scored, best, strict=True)
                if value == best[-1])  # fmt: skip
    alt = (
        f"{len(scored)} models in {scored[-1][0]:.0f} s; the best, {leader}"
        f" ({number(best[-1])}), came after {last:.0f} s."
    )
    with canvas(title, alt, height=3.0) as sheet:
        axes = sheet.axes
        x = [seconds for seconds, _, _ in scored]
        axes.step(x, best, where="post", color=BLUE, linewidth=1.8, label="best so far", zorder=3)
        scores = sorted((score for _, _, score in scored), key=lambda s: abs(s - best[-1]))
        near = _limit(axes, scores)
        for seconds, name, score in scored:
            colour, mark = look(engine_of(name))
            if score in near:
                axes.plot(seconds, score, mark, color=colour, alpha=0.75, zorder=2)
        axes.set_xlim(left=0)
        axes.annotate(
            f"{shorten(leader, 32)}: {number(best[-1])}",
            (last, best[-1]),
            xytext=(0, 9 if metric.greater_is_better else -15), textcoords="offset points",
            ha="center" if last > 0.2 * x[-1] else "left", fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )  # fmt: skip
        engine_legend(axes, {engine_of(name) for _, name, _ in scored})
        axes.set_xlabel("seconds since the search began")
        axes.set_ylabel(metric.title)
        sheet.figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return sheet.plot


def _label(entry: Entry) -> str:
    return f"{shorten(entry.name, 34)}  ({shorten(entry.family, 30)})"


def _near(values: Sequence[float], width: float) -> list[float]:
    """Return the values that are not far off, the best (the first) among them.

    One hopeless model would otherwise press all others into a line.
    """
    if len(values) < _FEW:
        return list(values)
    distances = sorted(abs(value - values[0]) for value in values)
    most = max(distances[int((len(distances) - 1) * 0.6)], width, 1e-12)
    return [value for value in values if abs(value - values[0]) <= _FAR * most]


def _window(entries: Sequence[Entry]) -> tuple[float, float] | None:
    """Return the range of scores to draw; None where no model has a score."""
    scores = [entry.score for entry in entries if entry.score.value is not None]
    if not scores:
        return None

    def ends(score: Interval) -> tuple[float, float]:
        value = score.value or 0.0
        return (
            value if score.low is None else score.low,
            value if score.high is None else score.high,
        )

    low, high = ends(scores[0])
    near = set(_near([score.value or 0.0 for score in scores], high - low))
    reach = [ends(score) for score in scores if score.value in near]
    low, high = min(pair[0] for pair in reach), max(pair[1] for pair in reach)
    margin = (high - low) * 0.04 or abs(high) * 0.01 or 0.01
    return low - margin, high + margin


def _limit(axes: Any, values: Sequence[float], width: float = 0.0) -> set[float]:
    """Set the range of scores, say how many lie outside, and return those inside.

    The first value is the best.
    """
    near = _near(values, width)
    margin = (max(near) - min(near)) * 0.2 or abs(values[0]) * 0.02 or 0.01
    axes.set_ylim(min(near) - margin, max(near) + margin)
    outside = len(values) - len(near)
    if outside:
        text = f"{outside} far worse model{'s' if outside > 1 else ''} outside"
        axes.text(0.99, 0.03, text, transform=axes.transAxes, ha="right", fontsize=8, color=GREY)
    return set(near)


def _line(axes: Any, place: int, entry: Entry) -> None:
    """Draw one model's score and interval; one far off becomes an arrow at the edge."""
    colour, mark = look(entry.engine)
    score = entry.score
    beside = axes.get_yaxis_transform()
    axes.text(
        1.02, place, number(score.value, full=True), transform=beside, va="center", fontsize=9
    )
    if score.value is None:
        return
    left, right = axes.get_xlim()
    if not left <= score.value <= right:
        side, arrow = (0, "<") if score.value < left else (1, ">")
        axes.plot(side, place, arrow, color=colour, transform=beside, clip_on=False, markersize=7)
        return
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [place, place], color=colour, linewidth=1.6)
    axes.plot(
        score.value, place, mark, color=colour, markersize=10 if mark == "*" else 7,
        markerfacecolor="white" if entry.within_noise else colour,
    )  # fmt: skip
    if entry.violates:
        axes.plot(score.value, place, "x", color=RED, markersize=11, markeredgewidth=2)


def _front(timed: Sequence[tuple[Entry, float]], *, greater: bool) -> list[tuple[Entry, float]]:
    """Return the allowed models that no other one beats in quality and time, quickest first."""
    front: list[tuple[Entry, float]] = []
    allowed = [pair for pair in timed if not pair[0].violates]
    sign = -1 if greater else 1
    for entry, ms in sorted(allowed, key=lambda pair: (pair[1], sign * (pair[0].score.value or 0))):
        value = sign * (entry.score.value or 0.0)
        if not front or value < sign * (front[-1][0].score.value or 0.0):
            front.append((entry, ms))
    return front


def _name_front(axes: Any, front: Sequence[tuple[Entry, float]], *, greater: bool) -> None:
    # The quickest, the best and those between them, as long as they do not lie on each other.
    shown = front if len(front) <= 4 else [front[0], front[len(front) // 2], front[-1]]
    for place, (entry, ms) in enumerate(shown):
        above = (place % 2 == 0) == greater
        axes.annotate(
            shorten(entry.name, 26), (ms, entry.score.value), xytext=(0, 8 if above else -15),
            textcoords="offset points", ha="center", fontsize=8,
        )  # fmt: skip
