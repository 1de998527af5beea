"""Which model becomes the champion: the rule, with its numbers, or a person's choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics, table
from toolkit.artifacts import (
    Check,
    Entry,
    Interval,
    Leaderboard,
    ModelComparison,
    OutOfFoldPredictions,
    Winner,
)
from toolkit.automl import engines
from toolkit.automl.blend.blend import NAME as ENSEMBLE
from toolkit.automl.task import balanced
from toolkit.errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage


@dataclass(frozen=True)
class OutOfFoldRows:
    """The training rows that some fold held out, and the models' predictions of them.

    Attributes
    ----------
    actual : array of shape (n,)
        Codes of classes, or values.
    weights : array of shape (n,), optional
        How much each row counts, by the column with the role `weight`.
    fold : array of int, shape (n,)
        Each row's fold.
    typed : pandas.DataFrame, n rows
        The typed feature columns.
    rows : array of int, shape (n,)
        Positions in the table.
    """

    actual: np.ndarray
    weights: np.ndarray | None
    fold: np.ndarray
    typed: pd.DataFrame
    rows: np.ndarray
    classes: list[str]
    _scores: pd.DataFrame = field(repr=False)

    def scores(self, name: str) -> np.ndarray:
        """Return a model's out-of-fold scores, (n, k) or (n,)."""
        names = [f"{name}:{label}" for label in self.classes] if self.classes else name
        return self._scores[names].to_numpy(dtype=np.float64)


def as_selected(
    codes: np.ndarray, weights: np.ndarray | None, class_weights: str
) -> np.ndarray | None:
    """Return the weights that models are ranked with: the rows' own, times those of classes."""
    if class_weights != "balanced":
        return weights
    return balanced(np.maximum(codes, 0)) * (1.0 if weights is None else weights)


def held_rows(stage: Stage, classes: list[str]) -> OutOfFoldRows:
    """Return the rows of the run that models were judged on."""
    frame = stage.read(OutOfFoldPredictions).frame
    frame = frame[frame["fold"] >= 0].reset_index(drop=True)
    part = table.load_part(stage, "train")
    places = np.searchsorted(part.rows, frame["row"].to_numpy())
    target = part.target[places]
    return OutOfFoldRows(
        actual=metrics.class_codes(target, classes) if classes else target.astype(np.float64),
        weights=None if part.weights is None else part.weights[places],
        fold=frame["fold"].to_numpy(),
        typed=part.frame.iloc[places].reset_index(drop=True),
        rows=frame["row"].to_numpy(),
        classes=classes,
        _scores=frame,
    )


@dataclass(frozen=True)
class ChampionPick:
    """A champion and why."""

    entry: Entry
    rule: str
    reason: str
    checks: list[Check]


def pick(stage: Stage, leaderboard: Leaderboard) -> ChampionPick:
    """Return the champion that rule or person choose.

    ``best`` is the best single model that keeps to the constraints; the ensemble in its
    place if ``choice.ensemble`` is ``always``, or is ``auto`` and the ensemble is better by
    more than chance: corrected for selection bias, the interval of its gain leaves out zero.

    Raises
    ------
    ProjectError
        If ``choice.champion`` is not on the leaderboard, or no model keeps to the constraints.
    """
    name = stage.project.choice.champion
    if name == "best":
        return _by_rule(stage, leaderboard)
    for entry in leaderboard.entries:
        if entry.name == name:
            return ChampionPick(entry, "by hand", stage.project.choice.reason, _broken(entry))
    raise ProjectError(
        f"no model {name!r} is on the leaderboard",
        where="choice.champion",
        expected="best, " + ", ".join(entry.name for entry in leaderboard.entries),
    )


def _by_rule(stage: Stage, leaderboard: Leaderboard) -> ChampionPick:
    fit = [entry for entry in leaderboard.entries if not entry.violates]
    singles = [entry for entry in fit if not entry.members]
    blends = [entry for entry in fit if entry.members]
    if not fit:
        first = leaderboard.entries[0]
        raise ProjectError(
            f"none of {len(leaderboard.entries)} models keeps to the constraints;"
            f" {first.name}: {first.violates[0]}",
            where="automl.constraints",
            remedy="Relax a constraint, or choose a model by hand and say why",
        )
    wanted = stage.project.choice.ensemble
    title = metrics.get(leaderboard.metric).title
    out = len(leaderboard.entries) - len(fit)
    without = f" ({out} that break a constraint left out)" if out else ""
    if not singles or (blends and wanted == "always"):
        reason = f"The ensemble is asked for{without}: {title} {value_of(blends[0])}."
        return ChampionPick(blends[0], "best", reason, [])
    single = singles[0]
    reason = (
        f"Best {title} of {len(singles)} single models{without} on"
        f" {leaderboard.scored_rows:,} out-of-fold rows: {value_of(single)}."
    )
    if not blends or wanted == "never":
        return ChampionPick(single, "best", reason, [])
    winner = leaderboard.winner
    gain = winner.ensemble_gain if winner is not None else None
    if winner is None or gain is None:
        unknown = " What the ensemble gains is not known: run the search again."
        return ChampionPick(single, "best", reason + unknown, [])
    if gain.low is not None and gain.low > 0:
        return ChampionPick(blends[0], "best", _ensemble_reason(leaderboard, winner, without), [])
    return ChampionPick(
        single,
        "best",
        f"{reason}{_bias(winner)} The ensemble, {value_of(blends[0])}, is not clearly better: its"
        f" gain{_corrected(winner)} is {gain.text(2)}.",
        [],
    )


def _ensemble_reason(board: Leaderboard, winner: Winner, without: str) -> str:
    title = metrics.get(board.metric).title
    scores = {entry.name: value_of(entry) for entry in board.entries}
    gain = winner.ensemble_gain
    assert gain is not None
    return (
        f"{title} on {board.scored_rows:,} out-of-fold rows: {scores[ENSEMBLE]} (ensemble),"
        f" {scores[winner.name]} ({winner.name}, the best of {winner.among} single"
        f" models{without}).{_bias(winner)} The ensemble's gain{_corrected(winner)} is"
        f" {gain.text(2)}, beyond sampling error."
    )


def _bias(winner: Winner) -> str:
    if not winner.selection_bias or winner.score.value is None:
        return ""
    return (
        f" Corrected for the selection bias of being the best of {winner.among},"
        f" {formats.number(winner.selection_bias, 2)}, {winner.name} is at"
        f" {formats.number(winner.score.value, 4)}."
    )


def _corrected(winner: Winner) -> str:
    return " over that" if winner.selection_bias else ""


def _broken(entry: Entry) -> list[Check]:
    return [
        Check(
            name="Constraint not kept",
            severity="warning",
            message=f"{entry.name} was chosen by hand, though: {text}",
            remedy="Say in choice.reason why that is acceptable",
        )
        for text in entry.violates
    ]


def beside(
    stage: Stage,
    leaderboard: Leaderboard,
    entry: Entry,
    held: OutOfFoldRows,
    context: metrics.Context,
) -> list[ModelComparison]:
    """Compare the champion with the best single and the best simple model.

    One comparison serves the choice, the checks and the report. With the best single model it
    is that of `toolkit.artifacts.Winner`; with others the paired difference on the rows and
    resamples of the leaderboard.
    """
    winner, found = leaderboard.winner, []
    better = False
    if entry.members and winner is not None and winner.ensemble_gain is not None:
        gain = winner.ensemble_gain
        found.append(_comparison("best single model", winner.name, gain, corrected=True))
        better = found[0].verdict == "better"
    simple = next((e for e in leaderboard.entries if engines.get(e.engine).is_baseline), None)
    if simple is None or engines.get(entry.engine).is_baseline:
        return found
    if found and simple.name == found[0].other:
        return [*found, found[0].model_copy(update={"role": "simple model"})]
    metric, project = metrics.get(leaderboard.metric), stage.project
    gap = metrics.paired_difference(
        metric, held.actual, held.scores(entry.name), held.scores(simple.name), context,
        resampling=metrics.Resampling.of(project, table.drawn_together(stage, held.rows)),
        weights=as_selected(held.actual, held.weights, project.automl.class_weights),
    )  # fmt: skip
    item = _comparison("simple model", simple.name, gap if metric.greater_is_better else -gap)
    if better:  # than the best single model, and so than this one, which scores below it
        item = item.model_copy(update={"verdict": "better"})
    return [*found, item]


def _comparison(
    role: str, other: str, difference: Interval, *, corrected: bool = False
) -> ModelComparison:
    low, high = difference.low, difference.high
    verdict = "no clear difference"
    if low is not None and high is not None and (low > 0 or high < 0):
        verdict = "better" if low > 0 else "worse"
    return ModelComparison(
        role=role, other=other, difference=difference, corrected=corrected, verdict=verdict
    )


def against_simple(
    leaderboard: Leaderboard, entry: Entry, found: list[ModelComparison]
) -> list[Check]:
    """Say whether a simple model would do, from the comparison that `beside` made."""
    for item in found:
        if item.role != "simple model":
            continue
        other = next(e for e in leaderboard.entries if e.name == item.other)
        title = metrics.get(leaderboard.metric).title
        text = (
            f"{title} on {leaderboard.scored_rows:,} out-of-fold rows: {value_of(entry)}"
            f" ({entry.name}), {value_of(other)} ({other.name}, the best simple model)."
        )
        bias = ", corrected for selection bias" if item.corrected else ""
        text += f" Difference{bias}: {item.difference.text(2)}."
        if item.verdict == "better":
            if not (item.difference.low or 0) > 0:
                text = (
                    f"{title}: {value_of(entry)} ({entry.name}) is better than the best single"
                    f" model, {found[0].other}, which scores no worse than the best simple"
                    f" model, {other.name} ({value_of(other)})."
                )
            return [Check(name=_SIMPLE, severity="ok", message=text)]
        words = {"worse": "is worse than a simple model"}
        said = words.get(item.verdict, "is not clearly better than a simple model")
        return [
            Check(
                name=_SIMPLE,
                severity="warning",
                message=f"The champion {said}. {text}",
                remedy=f"Consider {other.name} (choice.champion), which is easier to explain",
            )
        ]
    return []


_SIMPLE = "Better than a simple model"


def value_of(entry: Entry) -> str:
    """Return a model's score in words."""
    return "unknown" if entry.score.value is None else formats.number(entry.score.value, 4)
