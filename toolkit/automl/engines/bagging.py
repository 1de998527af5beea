"""One model for each fold, averaged: what fits, scores and saves such a bag.

How many rounds a fold's model gets is read from the *other* folds: each model is judged
round by round on the rows that it does not learn from, and the mean of the other folds'
curves says where to stop. So every row is learnt from, none decides for itself, and time
and groups are respected wherever folds respect them. See ``docs/adr/0010-tree-portfolio.md``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from toolkit import canonical
from toolkit.automl.engines.base import Candidate
from toolkit.automl.engines.coding import Coding
from toolkit.automl.engines.target_scale import TargetScale
from toolkit.automl.log_odds import margin
from toolkit.errors import ModelError
from toolkit.forests import TreeEnsemble

if TYPE_CHECKING:
    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask
    from toolkit.forests import TreeNodes

_FILE = "bag.json"
_TEMPERED = 4_000
"""Rows by which a bag's sureness is set."""
_LEAST = 1e-300


class Native(Protocol):
    """Models of one library: how they predict, and how they lie on disk."""

    def predict(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        """Return (n, k) probabilities, or for two classes those of the second, (n,), or values.

        Values are in the scale of learning.
        """

    def save(self, model: Any, stem: Path) -> None:
        """Write a model beside `stem`; equal models give equal bytes."""

    def load(self, stem: Path) -> Any:
        """Return the model that `save` wrote."""


@dataclass
class Bag:
    """Models whose predictions are averaged.

    Attributes
    ----------
    models : list
        A library's models.
    native : Native
        How to use them.
    coding : Coding
        From a design frame to what they take.
    classes : int
        How many classes they tell apart; 0 for numbers.
    outcome : TargetScale
        From the scale of learning back to the target's.
    temper : float, optional
        For two classes and several models: their log-odds are averaged and multiplied with it.
        So the bag is a sum of its trees like each of its models, and a prediction can be taken
        apart exactly (``docs/adr/0015-sums-of-trees.md``). Without it, probabilities are
        averaged.
    """

    models: list[Any]
    native: Native
    coding: Coding
    classes: int
    outcome: TargetScale
    temper: float | None = None

    def score(self, inputs: Inputs) -> np.ndarray:
        """Return (n, k) probabilities or (n,) values."""
        return self.score_matrix(self.coding.matrix(inputs.design))

    def score_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Return the mean of what the models predict."""
        if not len(matrix):  # which not every library takes
            return np.zeros((0, self.classes) if self.classes else 0)
        if self.temper is not None:
            return _probabilities(self.temper * self.margin(matrix))
        total = self.outcome.back(self.raw(self.models[0], matrix))
        for model in self.models[1:]:
            total = total + self.outcome.back(self.raw(model, matrix))
        return total / len(self.models)

    def margin(self, matrix: np.ndarray) -> np.ndarray:
        """Return the mean log-odds of the second of two classes, (n,)."""
        found = [margin(self.raw(model, matrix), _LEAST) for model in self.models]
        return np.asarray(np.mean(found, axis=0))

    def tempered(self, matrix: np.ndarray) -> Bag:
        """Return the bag that averages log-odds, and comes close to the mean of probabilities.

        A mean of log-odds is surer than one of probabilities. The factor that takes this back
        is the one whose probabilities have the least cross-entropy to the means.

        Parameters
        ----------
        matrix : array
            Training rows; some thousands are enough.
        """
        from scipy.optimize import minimize_scalar

        step = max(1, len(matrix) // _TEMPERED)
        part = matrix[::step]
        mean = np.mean([self.raw(model, part)[:, 1] for model in self.models], axis=0)
        average = self.margin(part)

        def loss(temper: float) -> float:
            surer = temper * average
            return float(np.mean(np.logaddexp(0.0, surer) - mean * surer))

        found = minimize_scalar(loss, bounds=(0.25, 1.0), method="bounded")
        return replace(self, temper=round(float(found.x), 6))

    def raw(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        """Return one model's (n, k) probabilities, or (n,) values in the scale of learning."""
        result = np.asarray(self.native.predict(model, matrix), dtype=np.float64)
        if self.classes == 2 and result.ndim == 1:
            return np.column_stack([1 - result, result])
        return result

    def tree_ensembles(
        self,
        read: Callable[[Any], tuple[list[TreeNodes], np.ndarray] | None],
        space: str,
        *,
        single: bool = False,
    ) -> list[TreeEnsemble]:
        """Return the models as forests that add up to `score`; empty where they do not.

        A mean of several probabilities is no sum of margins, and neither is a target whose
        logarithm is learnt.

        Parameters
        ----------
        read : callable
            Gives a model's trees and base, or None where it cannot be read.
        space : str
            What they add up to, for classes.
        single : bool
            Whether they compare numbers of single precision.
        """
        if self.outcome.kind not in ("classes", "plain"):
            return []
        if self.classes and space == "margin" and len(self.models) > 1 and self.temper is None:
            return []
        matrix = self.coding.single_matrix if single else self.coding.matrix
        found = []
        for model in self.models:
            read_of = read(model)
            if read_of is None:
                return []
            trees, base = read_of
            where = space if self.classes else "value"
            one = TreeEnsemble(where, trees, base, self.coding.columns, matrix)
            scale, centre = self.outcome.scale, self.outcome.centre
            share = (1.0 if self.temper is None else self.temper) / len(self.models)
            found.append(one.scaled(scale, centre).scaled(share))
        return found

    def save(self, folder: Path) -> None:
        """Write all models and what surrounds them."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, model in enumerate(self.models):
            self.native.save(model, folder / f"model_{number}")
        facts = {
            "models": len(self.models),
            "classes": self.classes,
            "coding": self.coding.facts(),
            "outcome": self.outcome.facts(),
            "temper": self.temper,
        }
        # Places in these lists and the digits of numbers matter: no key is sorted away.
        canonical.write_text(folder / _FILE, json.dumps(facts, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path, native: Native) -> Bag:
        """Return a saved bag.

        Raises
        ------
        ModelError
            If the folder is damaged.
        """
        try:
            facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            models = [native.load(folder / f"model_{n}") for n in range(facts["models"])]
            coding, outcome = Coding.of(facts["coding"]), TargetScale(**facts["outcome"])
        except ModelError:
            raise
        except Exception as error:  # each library has its own for a damaged file
            raise ModelError(
                f"cannot be read: {str(error).splitlines()[0] if str(error) else error!r}",
                where=str(folder),
                remedy="Run 04_automl.ipynb again with --fresh",
            ) from error
        return cls(models, native, coding, facts["classes"], outcome, facts.get("temper"))


def _probabilities(margin: np.ndarray) -> np.ndarray:
    # Either side by its own exponential: 1 - p would lose the digits of a small one.
    return np.column_stack([1 / (1 + np.exp(margin)), 1 / (1 + np.exp(-margin))])


def rounds_by_others(curves: Sequence[np.ndarray]) -> list[int]:
    """Return each fold's number of rounds: where the mean loss of the other folds is least.

    Parameters
    ----------
    curves : sequence of arrays
        For each fold, the loss on its held rows after 1, 2, ... rounds. A curve that ended
        sooner stays at its last value.

    Returns
    -------
    list of int
        At least 1, and no more than the fold's model has.
    """
    table = _table(curves)
    chosen = []
    for number, curve in enumerate(curves):
        others = np.delete(table, number, axis=0) if len(curves) > 1 else table
        chosen.append(min(int(others.mean(axis=0).argmin()) + 1, len(curve)))
    return chosen


def _table(curves: Sequence[np.ndarray]) -> np.ndarray:
    longest = max(len(curve) for curve in curves)
    return np.stack([np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves])


def rounds_for_all(rounds: Sequence[int], learnt: Sequence[int], rows: int) -> int:
    """Return the rounds of one model on all rows: the folds' mean, more for more rows.

    The number grows with the square root of the rows, from the folds' mean.
    """
    growth = np.sqrt(rows / max(1.0, float(np.mean(learnt))))
    return max(1, round(float(np.mean(rounds)) * min(2.0, float(growth))))


def candidate(
    task: SearchTask,
    bag: Bag,
    matrix: np.ndarray,
    refit: Callable[[], Any],
    *,
    details: dict[str, str] | Callable[[list[Any]], dict[str, str]],
    leaves: Callable[[Any], float],
    notes: list[str],
    single: bool = False,
) -> Candidate:
    """Score the held rows and return what is shipped.

    Parameters
    ----------
    task : SearchTask
        What was learned.
    bag : Bag
        One model for each fold, in order.
    matrix : array
        The training rows.
    refit : callable
        Fits one model on all rows: the one that is shipped where folds follow time.
    details, notes
        For the candidate; details may hang on the models that are shipped.
    leaves : callable
        A model's complexity.
    single : bool
        Whether one model on all rows is shipped even where folds do not follow time.
    """
    raw = task.empty_oof()
    for model, (_, held) in zip(bag.models, task.folds.pairs(), strict=True):
        raw[held] = bag.raw(model, matrix[held])
    oof = bag.outcome.settle(raw, task.target, task.weights, task.folds)
    if single or task.folds.ordered:
        bag.models = [refit()]
    elif bag.classes == 2 and len(bag.models) > 1:
        bag = bag.tempered(matrix)
    models = len(bag.models)
    return Candidate(
        oof,
        bag.score,
        bag.save,
        {"models": str(models)} | (details(bag.models) if callable(details) else details),
        float(sum(leaves(model) for model in bag.models)),
        notes,
    )
