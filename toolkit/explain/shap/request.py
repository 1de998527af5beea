"""A request for SHAP values: the model, the rows, and how their values are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.explain.shap.expected_gradients import FEWEST

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.explain.shap.sampling import FeatureGroups
    from toolkit.forests import AdditiveModel
    from toolkit.table.predictor import Predictor, Smooth

INTERVENTIONAL = "interventional"
TREE_PATH_DEPENDENT = "tree_path_dependent"
EXPECTED_GRADIENTS = "expected_gradients"


@dataclass(frozen=True)
class ExplainRequest:
    """What `toolkit.explain.explain_rows` computes.

    Attributes
    ----------
    model : Predictor
        Anything with ``predict``, ``task``, ``classes`` and ``columns``.
    frame, background : pandas.DataFrame
        Typed rows to explain, and rows to compare them with.
    rows : sequence of int, optional
        The rows' numbers; a row's draws depend on its number and the seed alone.
    groups : FeatureGroups, optional
        Groups of columns; by default each column by itself.
    structure : AdditiveModel or Smooth, optional
        What is known of the model besides its predictions. An additive model: values are exact
        but for its remainder, and in its space. A differentiable function: values are expected
        gradients. Both give values of columns, not of groups. Without it, values are estimated
        from predictions alone.
    feature_perturbation : str
        As in SHAP: ``interventional``, or ``tree_path_dependent``, which takes an additive
        model of trees alone (`toolkit.explain.shap.exact.follows_paths`) and no background.
    orders : int
        Sampled orders of groups for each pair of row and background row: 1 or an even number.
    points : int
        Expected gradients: most gradients on a line between two rows, in the mean.
    seed : int
        The seed of the orders.
    threads : int
        Blocks of rows that are computed at once, where trees are explained.
    progress : callable, optional
        Called with rows done and rows in all.
    """

    model: Predictor
    frame: pd.DataFrame = field(repr=False)
    background: pd.DataFrame = field(repr=False)
    rows: Sequence[int] | None = None
    groups: FeatureGroups | None = None
    structure: AdditiveModel | Smooth | None = None
    feature_perturbation: str = INTERVENTIONAL
    orders: int = 1
    points: int = FEWEST
    seed: int = 7
    threads: int = 1
    progress: Callable[[int, int], Any] | None = None
