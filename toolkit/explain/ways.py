"""How a model is explained: what of it is known exactly, in which game, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.explain import exact, planner
from toolkit.table.predictor import Additive

if TYPE_CHECKING:
    from toolkit.artifacts import Explanation
    from toolkit.forests import Sum
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor

INTERVENTIONAL = "interventional"
COVERED = "the rows that the trees grew on, as they went at every split"
"""What stands for the background in the path-dependent game."""
_HELD = 20
"""Background rows whose mixtures a sum is held against its model on, where none else is needed."""


@dataclass(frozen=True)
class Way:
    """One way to explain a model.

    Attributes
    ----------
    background : int
        Against how many rows.
    total : Sum, optional
        The model as a sum; without it, values are estimated.
    game : str
        interventional or path-dependent.
    """

    background: int
    total: Sum | None = None
    game: str = INTERVENTIONAL

    @property
    def by_cover(self) -> bool:
        """Whether no background row plays a part."""
        return self.game == exact.PATH_DEPENDENT

    @property
    def planned(self) -> bool:
        """Whether mixtures have to be scored, so that their number is to be planned."""
        return self.total is None or self.total.rest is not None


def choose(stage: Stage, model: Predictor, rows: int, background: int) -> Way:
    """Return the most exact way that the project allows and that can be paid for.

    Parameters
    ----------
    stage : Stage
        For the section ``explain``; what is not done as asked is noted.
    model : Predictor
        The model.
    rows, background : int
        How many rows are explained, and against how many.
    """
    asked = stage.project.explain
    total = model.as_sum() if isinstance(model, Additive) else None
    if total is not None and total.space == "margin" and asked.output == "probability":
        total = None
    if asked.game == exact.PATH_DEPENDENT:
        if total is not None and exact.follows_paths(total):
            if asked.reference.strip() != "all":
                stage.note("explain.reference plays no part in path-dependent values")
            return Way(min(background, _HELD), total, exact.PATH_DEPENDENT)
        stage.note(
            "Path-dependent values are known of sums of trees that look at single columns. This"
            " model is none, so its values are interventional"
        )
    if total is None:
        return Way(background)
    if total.rest is not None and len(model.columns) > planner.MOST_COLUMNS:
        return Way(background)  # what remains is sampled, once the table is screened
    size = planner.paired_background(rows, background, exact.work(total))
    if not size:
        stage.note(
            "The trees are too many to explain exactly: they look at columns made of two, or are"
            " deep. SHAP values are sampled instead"
        )
        return Way(background)
    if size < background:
        stage.note(f"{size} background rows instead of {background}: the model has many trees")
    return Way(size, total)


def fallbacks(way: Way, background: int) -> list[Way]:
    """Return the ways that come next where a sum turns out not to be the model."""
    if way.total is None:
        return []
    found = [Way(background)]
    if way.total.terms is not None and way.total.grown:
        found.insert(0, replace(way, total=way.total.without_terms()))
    return found


def again(model: Predictor, explanation: Explanation) -> Way:
    """Return the way in which a model was explained."""
    size = explanation.background or _HELD
    if not explanation.exact or not isinstance(model, Additive):
        return Way(size)
    total = model.as_sum()
    if total is not None and "terms" not in explanation.exact:
        total = total.without_terms()
    return Way(size, total, explanation.game)
