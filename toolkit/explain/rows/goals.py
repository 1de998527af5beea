"""Which outcome is adverse, which is wanted, and how near a row is to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.errors import ModelError, ProjectError
from toolkit.explain.rows.limits import bounds
from toolkit.explain.shap.sampling import CALL_CELLS, CALL_ROWS

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Project
    from toolkit.table import Predictor


class CountedModel:
    """A model as a function of rows to (n, k) or (n,), which counts what it scored.

    Attributes
    ----------
    rows : int
        Rows scored so far.
    """

    def __init__(self, model: Predictor) -> None:
        self.model, self.rows = model, 0

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the outputs of rows, in as few calls as memory allows."""
        step = max(1, min(CALL_ROWS, CALL_CELLS // max(1, frame.shape[1])))
        parts = [
            np.asarray(self.model.predict(frame.iloc[at : at + step].reset_index(drop=True)))
            for at in range(0, max(len(frame), 1), step)
        ]
        found = np.concatenate(parts).astype(np.float64)
        self.rows += len(frame)
        if not np.isfinite(found).all():
            raise ModelError(
                "gives some rows no number",
                where=f"model {self.model.name}",
                remedy="Choose another champion, in choice.champion",
            )
        return found


@dataclass(frozen=True)
class Goal:
    """A decision to be reached.

    Attributes
    ----------
    model : Predictor
        Whose decision.
    wanted : str
        A class, or for numbers a range such as ``100 to 200``.
    """

    model: Predictor
    wanted: str

    def reached(self, outputs: np.ndarray) -> np.ndarray:
        """Whether each output leads to the wanted decision."""
        if self.model.task == "regression":
            return np.asarray(self.progress(outputs) >= 0)
        decided = metrics.decide(outputs, metrics.context_of(self.model))
        return np.asarray(decided == self.wanted)

    def progress(self, outputs: np.ndarray) -> np.ndarray:
        """Return how near each output is to the decision: higher is nearer."""
        if self.model.task == "regression":
            low, high = bounds(self.wanted, "recourse.wanted")
            return np.minimum(outputs - low, high - outputs)
        own = self.model.classes.index(self.wanted)
        if self.model.task == "binary":
            return np.asarray(outputs[:, own])
        return np.asarray(outputs[:, own] - np.delete(outputs, own, axis=1).max(axis=1))

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """Return what is shown of each output, see `score_words`."""
        if self.model.task == "regression":
            return outputs
        own = 1 if self.model.task == "binary" else self.model.classes.index(self.wanted)
        return np.asarray(outputs[:, own])


@dataclass(frozen=True)
class Adverse:
    """Which outcome people do not want.

    Attributes
    ----------
    wanted : str
        The class or range that they want; empty where nobody said so.
    output : str
        The explained output whose SHAP values tell reasons.
    sign : int
        The sign of SHAP values that push towards the adverse outcome; 0 where it depends on the
        side of the wanted range that a row is on.
    words : str
        The rule in a sentence, or what is left out without one.
    remedy : str
        What to answer where nobody said which outcome is wanted.
    """

    wanted: str
    output: str
    sign: int
    words: str
    remedy: str = ""

    def sign_of(self, score: float) -> int:
        """Return the sign for a row with this score."""
        if self.sign:
            return self.sign
        return 1 if score > bounds(self.wanted, "recourse.wanted")[1] else -1


def adverse(project: Project, model: Predictor) -> Adverse:
    """Return which outcome is adverse: by `recourse.wanted`, or `fairness.outcome_is_benefit`.

    No outcome is taken for adverse that nobody called so: a subscription is none.

    Raises
    ------
    ProjectError
        When `recourse.wanted` is no class of the model, or no range.
    """
    benefit, asked = project.fairness.outcome_is_benefit, project.recourse.wanted.strip()
    if model.task == "regression":
        if not asked:
            return _unknown("range of values is wanted", "recourse.wanted")
        bounds(asked, "recourse.wanted")
        return Adverse(asked, "value", 0, f"A prediction outside {asked} is adverse.")
    if asked and asked not in model.classes:
        raise ProjectError(
            f"{asked!r} is no class",
            where="recourse.wanted",
            expected=", ".join(model.classes[:8]),
        )
    if model.task == "binary":
        return _binary(model, asked, benefit)
    if asked:
        return Adverse(asked, asked, -1, f"Any class but {asked} is adverse.")
    return _unknown("class is wanted", "recourse.wanted")


def _unknown(what: str, key: str) -> Adverse:
    words = (
        f"Nobody stated which {what}, so no decision is called adverse: reasons and"
        " counterfactuals of single decisions are left out."
    )
    return Adverse("", "", 1, words, f"Answer {key}, and run 06_explain again")


def _binary(model: Predictor, asked: str, benefit: bool | None) -> Adverse:
    negative, positive = model.classes
    if asked:
        other = negative if asked == positive else positive
        return Adverse(asked, positive, -1 if asked == positive else 1, f"{other} is adverse.")
    if benefit is None:
        return _unknown("class is wanted", "fairness.outcome_is_benefit or recourse.wanted")
    if benefit:
        words = f"The positive class {positive} is a benefit, so that {negative} is adverse."
        return Adverse(positive, positive, -1, words)
    return Adverse(negative, positive, 1, f"The positive class {positive} is adverse.")


def score_words(project: Project, model: Predictor) -> str:
    """Return what the score of a row is, in words."""
    if model.task == "regression":
        return f"predicted {project.target.column}"
    if model.task == "binary":
        return f"probability of the class {model.classes[1]}"
    return "probability of the wanted class"
