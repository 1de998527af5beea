"""The leaderboard: every model's out-of-fold scores, with their uncertainty."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Entry, Interval, Leaderboard, SearchSummary, Winner
from toolkit.automl.blend.blend import NAME as ENSEMBLE
from toolkit.automl.files.model_file import NATIVE, read_facts
from toolkit.automl.model.saved_model import Model

if TYPE_CHECKING:
    from toolkit.automl.scoring_rows import ScoringRows
    from toolkit.run.stage import Stage


def judge(
    stage: Stage,
    rows: ScoringRows,
    models: dict[str, Model],
    oof: dict[str, np.ndarray],
    violations: dict[str, list[str]],
    *,
    blocks: np.ndarray | None = None,
) -> Leaderboard:
    """Return the models best first, each compared with the best on the same resamples.

    Parameters
    ----------
    stage : Stage
        Says how the intervals are made.
    rows : ScoringRows
        Models are judged on those that some fold held out.
    models : dict of str to Model
        By name.
    oof : dict of str to array
        Out-of-fold scores of the training rows by name; NaN where no fold held a row out.
    violations : dict of str to list of str
        The constraints that a model does not keep to, a sentence each.
    blocks : array of int, shape (n,), optional
        Which rows are drawn together; see `toolkit.table.drawn_together`.
    """
    explain = stage.project.explain
    metric, places, context = metrics.get(rows.metric), rows.folds.scored, rows.context
    target = rows.scored_target
    if context.classes:
        target = metrics.class_codes(target, context.classes)  # once, not for every metric
    scores = {name: scores[places] for name, scores in sorted(oof.items())}
    stage.progress(f"judging {len(scores)} models on {len(places):,} rows")
    contenders = [n for n in scores if not models[n].members and not violations.get(n)]
    judged = metrics.joint(
        metric,
        target,
        scores,
        context,
        resampling=metrics.Resampling(
            explain.bootstrap,
            explain.confidence,
            rows.seed,
            None if blocks is None else blocks[places],
        ),
        weights=rows.scored_weights,
        contenders=contenders,
    )
    intervals = {name: judged.interval(name) for name in scores}
    # Of equals a single model comes before an ensemble.
    order = sorted(intervals, key=lambda n: _rank(intervals[n], metric, bool(models[n].members), n))
    winner = _winner(judged, metric, [name for name in order if name in contenders])
    alike = _alike(judged, order, winner)
    entries = []
    for done, name in enumerate(order):
        stage.progress(f"judging {name}", done, len(order))
        entry = _entry(models[name], intervals[name], scores[name], target, rows)
        update = {"violates": violations.get(name, []), "within_noise": name in alike}
        entries.append(entry.model_copy(update=update))
    return Leaderboard(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        train_rows=len(rows.target),
        scored_rows=len(places),
        folds=rows.folds.count,
        fold_method=rows.folds.method,
        entries=entries,
        winner=winner,
    )


def _entry(
    model: Model, interval: Interval, scores: np.ndarray, target: np.ndarray, rows: ScoringRows
) -> Entry:
    """Return what the leaderboard says of one model by itself."""
    facts, weights, context = read_facts(model.folder), rows.scored_weights, rows.context
    return Entry(
        name=model.name,
        engine=model.engine,
        family=model.family,
        score=interval,
        metrics={
            name: metrics.get(name)(target, scores, context, weights)
            for name in metrics.for_task(context.task)
        },
        calibration_error=calibration_error(scores, target, weights),
        size_kib=size_kib(model.folder),
        complexity=facts["complexity"],
        members=model.members,
        details=facts["details"],
    )


def _alike(judged: metrics.Joint, order: list[str], winner: Winner | None) -> set[str]:
    """Return the models whose difference to the first may be chance.

    Between the ensemble and the best single model the comparison that chooses the champion
    decides. Where that finds the ensemble better, it is better than all single models, which
    score below the best.
    """
    first = order[0]
    alike = {n for n in order[1:] if may_be_chance(judged.difference(n, first))}
    gain = winner.ensemble_gain if winner is not None else None
    if winner is None or gain is None:
        return alike
    better = gain.low is not None and gain.low > 0
    if first == ENSEMBLE:
        return set() if better else alike | {winner.name}
    return alike | {ENSEMBLE} if better else alike


def _winner(judged: metrics.Joint, metric: metrics.Metric, singles: list[str]) -> Winner | None:
    """Return what the best single model is worth, and the ensemble's gain over it."""
    if not singles:
        return None
    sign = 1 if metric.greater_is_better else -1
    seen = judged.interval(singles[0])

    def better(name: str) -> Interval:
        found = judged.beside_winner(name)
        return found if metric.greater_is_better else -found

    found = better(singles[0]).value
    selection_bias = None if found is None else max(0.0, found)
    gain = None
    if ENSEMBLE in judged.values:
        gain = better(ENSEMBLE)
        shown = judged.difference(ENSEMBLE, singles[0]).value
        if gain.value is not None and shown is not None:
            # Of the leaderboard's own numbers, so that they add up wherever they are shown.
            gain = _shifted(gain, sign * shown + (selection_bias or 0.0) - gain.value)
    return Winner(
        name=singles[0],
        among=len(singles),
        score=_shifted(seen, -sign * (selection_bias or 0.0)),
        selection_bias=selection_bias,
        ensemble_gain=gain,
    )


def _shifted(found: Interval, by: float) -> Interval:
    ends = (found.value, found.low, found.high)
    value, low, high = (None if end is None else end + by for end in ends)
    return Interval(value=value, low=low, high=high)


def pareto(leaderboard: Leaderboard, search: SearchSummary) -> list[str]:
    """Return the models that no other beats in both quality and time to score, quickest first.

    Parameters
    ----------
    leaderboard : Leaderboard
        Gives the scores; models that break a constraint are left out.
    search : SearchSummary
        Gives the seconds for 1,000 rows.
    """
    timed = [
        (search.scoring_seconds[entry.name], place, entry)
        for place, entry in enumerate(leaderboard.entries)
        if entry.name in search.scoring_seconds
        and entry.score.value is not None
        and not entry.violates
    ]
    front: list[str] = []
    best: float | None = None
    for _, _, entry in sorted(timed, key=lambda item: item[:2]):
        value = entry.score.value
        assert value is not None
        if best is None or (value > best if leaderboard.greater_is_better else value < best):
            front.append(entry.name)
            best = value
    return front


def calibration_error(
    scores: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None
) -> float | None:
    """Return the expected calibration error of probabilities; None for values.

    Several classes: of the likeliest class's.
    """
    if scores.ndim == 1:
        return None
    happened, p = confidence(scores, codes)
    return metrics.calibration_error(happened, p, weights=weights)


def confidence(scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a calibration curve is of: whether it happened, and its probability.

    Two classes: the positive one. Several: how often the likeliest is right.
    """
    if scores.shape[1] == 2:
        return codes == 1, scores[:, 1]
    return scores.argmax(axis=1) == codes, scores.max(axis=1)


def size_kib(folder: Path) -> float:
    """Return the size of a model's native files in KiB."""
    total = sum(item.stat().st_size for item in (folder / NATIVE).rglob("*") if item.is_file())
    return round(total / 1024, 1)


def may_be_chance(difference: Interval) -> bool:
    """Return whether a paired difference's interval holds zero, or there is none."""
    if difference.low is None or difference.high is None:
        return True  # too few rows to tell
    return difference.low <= 0 <= difference.high


def _rank(score: Interval, metric: metrics.Metric, *last: Any) -> tuple[Any, ...]:
    if score.value is None:
        return True, 0.0, *last
    return False, -score.value if metric.greater_is_better else score.value, *last
