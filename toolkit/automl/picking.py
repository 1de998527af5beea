"""Which model becomes the champion: the rule, with its numbers, or a person's choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics, table
from toolkit.artifacts import Check, Entry, Leaderboard, OutOfFoldPredictions, Winner
from toolkit.automl.task import balanced
from toolkit.errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage


@dataclass(frozen=True)
class Held:
    """The training rows that some fold held out, and what models said of them.

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
    """

    actual: np.ndarray
    weights: np.ndarray | None
    fold: np.ndarray
    typed: pd.DataFrame
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


def held_rows(stage: Stage, classes: list[str]) -> Held:
    """Return the rows of the run that models were judged on."""
    frame = stage.read(OutOfFoldPredictions).frame
    frame = frame[frame["fold"] >= 0].reset_index(drop=True)
    part = table.load_part(stage, "train")
    places = np.searchsorted(part.rows, frame["row"].to_numpy())
    target = part.target[places]
    return Held(
        actual=metrics.class_codes(target, classes) if classes else target.astype(np.float64),
        weights=None if part.weights is None else part.weights[places],
        fold=frame["fold"].to_numpy(),
        typed=part.frame.iloc[places].reset_index(drop=True),
        classes=classes,
        _scores=frame,
    )


@dataclass(frozen=True)
class Pick:
    """A champion and why."""

    entry: Entry
    rule: str
    reason: str
    checks: list[Check]


def pick(stage: Stage, leaderboard: Leaderboard) -> Pick:
    """Return the champion that rule or person choose.

    ``best`` is the best single model that keeps to the constraints; the ensemble in its
    place if ``choice.ensemble`` is ``always``, or is ``auto`` and the ensemble is better by
    more than chance: on rows that chose neither, the interval of its gain leaves out zero.

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
            return Pick(entry, "by hand", stage.project.choice.reason, _broken(entry))
    raise ProjectError(
        f"no model {name!r} is on the leaderboard",
        where="choice.champion",
        expected="best, " + ", ".join(entry.name for entry in leaderboard.entries),
    )


def _by_rule(stage: Stage, leaderboard: Leaderboard) -> Pick:
    fit = [entry for entry in leaderboard.entries if not entry.violates]
    singles = [entry for entry in fit if entry.engine != "ensemble"]
    blends = [entry for entry in fit if entry.engine == "ensemble"]
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
        return Pick(blends[0], "best", reason, [])
    single = singles[0]
    reason = (
        f"Best {title} of {len(singles)} single models{without} on"
        f" {leaderboard.scored_rows:,} out-of-fold rows: {value_of(single)}."
    )
    if not blends or wanted == "never":
        return Pick(single, "best", reason, [])
    winner = leaderboard.winner
    gain = winner.ensemble_gain if winner is not None else None
    if winner is None or gain is None:
        unknown = " What the ensemble gains is not known: run the search again."
        return Pick(single, "best", reason + unknown, [])
    text = f"{_number(gain.value)} ({_number(gain.low)} to {_number(gain.high)})"
    if gain.low is not None and gain.low > 0:
        reason = (
            f"The ensemble's {title} {value_of(blends[0])} is better than that of the best"
            f" single model, {single.name} {value_of(single)}, by {text} on rows that chose"
            f" neither, which chance does not explain ({leaderboard.scored_rows:,} out-of-fold"
            f" rows{without})."
        )
        return Pick(blends[0], "best", reason, [])
    return Pick(
        single,
        "best",
        f"{reason}{_lucky(winner)} The ensemble's gain on rows that chose neither, {text}, may be"
        " chance.",
        [],
    )


def _lucky(winner: Winner) -> str:
    if not winner.luck or winner.score.value is None:
        return ""
    return (
        f" Without the luck of being the best of {winner.among} it is worth about"
        f" {formats.number(winner.score.value, 4)}."
    )


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


def against_baseline(leaderboard: Leaderboard, entry: Entry) -> list[Check]:
    """Say whether a simple model would do."""
    baselines = [e for e in leaderboard.entries if e.engine == "baseline"]
    if not baselines or entry.engine == "baseline":
        return []
    top = baselines[0]
    title = metrics.get(leaderboard.metric).title
    text = f"{title}: {value_of(entry)} ({entry.name}), {value_of(top)} ({top.name})."
    if top.within_noise or top.name == leaderboard.entries[0].name:
        return [
            Check(
                name="Better than a simple model",
                severity="warning",
                message=f"A simple model cannot be told apart from the best. {text}",
                remedy=f"Consider choosing {top.name} by hand",
            )
        ]
    return [Check(name="Better than a simple model", severity="ok", message=text)]


def value_of(entry: Entry) -> str:
    """Return a model's score in words."""
    return "unknown" if entry.score.value is None else formats.number(entry.score.value, 4)


def _number(value: float | None) -> str:
    return "unknown" if value is None else formats.number(value, 2)
