"""What the search did, as tables for a notebook."""

from __future__ import annotations

import html

from toolkit import formats, metrics
from toolkit.artifacts import Entry, FeatureMap, Leaderboard, SearchSummary
from toolkit.plots.automl.shared import interval, milliseconds, number
from toolkit.plots.style import shorten
from toolkit.widgets.kit.panel import checks_html, table
from toolkit.widgets.kit.static import Html

_MOST = 40
_PARTS = 5
_NONE = "–"


def search_summary(leaderboard: Leaderboard, search: SearchSummary) -> Html:
    """Return how the search ended, what each engine did, and what did not work."""
    engines = [
        (
            run.engine,
            run.version,
            run.models,
            f"{run.seconds:.0f}",
            "; ".join(run.failures) or "nothing",
        )
        for run in search.engines
    ]
    wrong = [
        (trial.name, trial.family, trial.round, trial.status, trial.reason)
        for trial in search.trials
        if trial.status != "done"
    ]
    more = len(wrong) - _MOST
    again = "The search can be repeated." if search.reproducible else "A replay may differ."
    said = (
        f"{len(leaderboard.entries)} models on {leaderboard.folds} folds"
        f" ({leaderboard.fold_method}) of {leaderboard.train_rows:,} training rows,"
        f" {leaderboard.scored_rows:,} of them scored, in {search.seconds:.0f} s with at most"
        f" {search.peak_mib / 1024:.1f} GiB. {search.ended}"
    )
    return Html(
        f"<p>{html.escape(said)}</p>"
        + table(("Engine", "Version", "Models", "Seconds", "Failures"), engines)
        + (
            "<h4>Planned models that are not on the leaderboard</h4>"
            + table(("Trial", "Algorithm", "Round", "Status", "Reason"), wrong[:_MOST])
            + (f"<p>{more} more are in search.json.</p>" if more > 0 else "")
            if wrong
            else ""
        )
        + f"<p>{html.escape(again)} {html.escape(search.reproducible_reason)}</p>"
        + (checks_html(search.checks) if search.checks else "")
    )


def leaderboard_table(leaderboard: Leaderboard, search: SearchSummary) -> Html:
    """Return every model with its score and what it costs to fit, to store, to score, to read."""
    title = metrics.get(leaderboard.metric).title
    head = (
        "Model", "Algorithm", title, "Compared with the first", "Fitted in s", "ms for 1,000 rows",
        "KiB", "Calibration error", "To read", "Constraints", "Members or details",
    )  # fmt: skip
    rows = [_row(entry, search, best=place == 0) for place, entry in enumerate(leaderboard.entries)]
    more = len(rows) - _MOST
    note = f"<p>{more} more are in leaderboard.json.</p>" if more > 0 else ""
    return Html(
        table(head, rows[:_MOST])
        + note
        + _winner(leaderboard)
        + "<p>Parameters: coefficients, leaves or weights in total. Calibration error: mean"
        " distance of predicted and observed shares, before calibration.</p>"
    )


def _winner(leaderboard: Leaderboard) -> str:
    """Return what the best single model is worth, corrected for selection bias."""
    found = leaderboard.winner
    if found is None or found.score.value is None:
        return ""
    text = (
        f"{found.name} is the best of {found.among} single models. Corrected for the selection bias"
        f" of that, it scores {interval(found.score)}"
    )
    text += f" (bias {formats.number(found.selection_bias, 2)})." if found.selection_bias else "."
    if found.ensemble_gain is not None and found.ensemble_gain.value is not None:
        text += f" The ensemble's gain over that is {found.ensemble_gain.text(2)}."
    return f"<p>{html.escape(text)}</p>"


def feature_table(features: FeatureMap) -> Html:
    """Return what became of each of the table's columns, those that became most first."""
    made: dict[str, list[tuple[str, str]]] = {}
    for column in features.columns:
        made.setdefault(column.sources[0], []).append((column.name, column.what))
    rows = [
        (
            shorten(name, 40),
            len(made[name]),
            "; ".join(f"{shorten(derived, 50)} ({what})" for derived, what in made[name][:_PARTS])
            + (" …" if len(made[name]) > _PARTS else ""),
        )
        for name in sorted(made, key=lambda name: -len(made[name]))
    ]
    more = len(rows) - _MOST
    said = f"{len(features.columns):,} columns of {len(made):,} in the table."
    if features.left_out:
        said += f" No usable feature: {', '.join(features.left_out[:_MOST])}."
    said += f" {more:,} more are in {FeatureMap.file}." * (more > 0)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in features.notes)
    head = ("Column", "Makes", "Of it")
    return Html(f"<p>{html.escape(said)}</p>{table(head, rows[:_MOST])}{notes}")


def _row(entry: Entry, search: SearchSummary, *, best: bool) -> tuple[str, ...]:
    fitted, scored = search.fit_seconds.get(entry.name), search.scoring_seconds.get(entry.name)
    made = entry.members or entry.details
    parts = (
        f"{name} {formats.percent(value)}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in made.items()
    )
    return (
        entry.name,
        entry.family,
        interval(entry.score),
        "first" if best else "no clear difference" if entry.within_noise else "worse",
        _NONE if fitted is None else f"{fitted:.1f}",
        _NONE if scored is None else milliseconds(scored),
        f"{entry.size_kib:,.0f}",
        _NONE if entry.calibration_error is None else f"{entry.calibration_error:.3f}",
        _NONE if entry.complexity is None else number(entry.complexity),
        f"✖ {' '.join(entry.violates)}" if entry.violates else "kept",
        ", ".join(parts),
    )
