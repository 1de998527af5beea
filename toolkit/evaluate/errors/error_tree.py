"""A shallow tree of the loss: grown on one half of the rows, judged on the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import ErrorNode, Interval
from toolkit.evaluate.scores.conditions import MISSING, conditions
from toolkit.evaluate.scores.slices import holm, welch
from toolkit.metrics.resampling import Resampling, weighted
from toolkit.metrics.scores import mean

if TYPE_CHECKING:
    import pandas as pd

DEPTH = 3
FEWEST = 20
SHARE = 0.02
_LEVEL = 0.05
ENOUGH = 30
"""Held-out rows of a leaf from which its loss may be called no higher than that of the others."""
_MUCH = 1.5
_LEVELS = 12
_LARGEST = 1e38
"""scikit-learn's trees hold values in single precision."""
_DAY = 86_400_000_000  # in microseconds


@dataclass(frozen=True)
class _Input:
    """One column of the tree's input, with the words for both sides of a cut."""

    column: str
    values: np.ndarray
    level: str | None = None
    """Of an indicator: the value that it stands for."""
    date: bool = False

    def words(self, cut: float, right: bool, missing_right: bool) -> str:
        if self.level is not None:
            verb = "is" if right else "is not"
            if self.level == MISSING or self.level.startswith("other ("):
                return f"{self.column} {verb} {self.level}"
            return f"{self.column} {'=' if right else '≠'} {self.level.removeprefix('= ')}"
        shown = str(np.datetime64(int(np.floor(cut)), "D")) if self.date else formats.number(cut, 5)
        text = f"{self.column} {'above' if right else 'at most'} {shown}"
        absent = bool(np.isnan(self.values).any()) and right == missing_right
        return text + (" or missing" if absent else "")


def grow(
    columns: dict[str, pd.Series],
    loss: np.ndarray,
    resampling: Resampling,
    *,
    weights: np.ndarray | None = None,
    root: bool = False,
) -> list[ErrorNode]:
    """Return an error tree; empty where there are too few rows or the loss is constant.

    A regression tree (Breiman et al. 1984) of depth 3 at most, with at least 2 % and 20 of the
    rows in a leaf, is grown on a random half of the rows. The other half, which it has not
    seen, says what the loss in each node is: a tree finds leaves that look bad by chance, and
    these do not look bad there again. A leaf counts as worse where Welch's one-sided t-test
    against all other held-out rows says so after Holm's correction.

    Parameters
    ----------
    columns : dict of str to pandas.Series
        As `toolkit.evaluate.scores.conditions.described` gives them.
    loss : ndarray, shape (n,)
        Of each row.
    resampling : Resampling
        Of the intervals; its seed is also that of the halves.
    weights : ndarray, shape (n,), optional
        How much each row counts in growing and in the means.
    root : bool
        Give the root of each mean: of squared errors, in the target's unit.
    """
    from sklearn.tree import DecisionTreeRegressor

    n, seed = len(loss), resampling.seed
    order = np.random.default_rng([seed, 72]).permutation(n)
    grown, held = np.sort(order[: n // 2]), np.sort(order[n // 2 :])
    leaf = max(FEWEST, int(np.ceil(SHARE * len(grown))))
    inputs = [each for name, values in columns.items() for each in _inputs(name, values)]
    if len(grown) < 2 * leaf or not inputs or np.ptp(loss[grown]) <= 1e-12:
        return []
    x = np.column_stack([each.values for each in inputs]).astype(np.float32)
    tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=leaf, random_state=seed)
    tree.fit(x[grown], loss[grown], None if weights is None else weights[grown])
    inside = tree.decision_path(x[held]).toarray().astype(bool)
    nodes = _nodes(tree.tree_, inputs)
    measured = []
    for node in nodes:
        rows = held[inside[:, node["id"]]]
        measured.append(
            ErrorNode(
                **{key: value for key, value in node.items() if key != "id"},
                rows=len(rows),
                loss=mean_interval(
                    loss[rows], resampling,
                    weights=None if weights is None else weights[rows], root=root,
                ),
            )
        )  # fmt: skip
    return _judged(measured, [inside[:, node["id"]] for node in nodes], loss[held])


def mean_interval(
    values: np.ndarray,
    resampling: Resampling,
    *,
    weights: np.ndarray | None = None,
    root: bool = False,
) -> Interval:
    """Return a (weighted) mean, or its root, with an interval by `toolkit.metrics.interval`.

    Rows are drawn one by one, whatever blocks they are in.
    """
    if weights is not None and not weights.sum() > 0:
        return Interval(value=None)
    statistic = weighted(mean(values, root=root), weights)
    return metrics.interval(statistic, len(values), replace(resampling, blocks=None))


def _inputs(name: str, values: pd.Series) -> list[_Input]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        numbers = values.astype("datetime64[us]").astype("int64").to_numpy() / _DAY
        numbers[values.isna().to_numpy()] = np.nan
        return [_Input(name, numbers, date=True)]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return [_Input(name, np.clip(numbers, -_LARGEST, _LARGEST))]
    part = conditions(values, levels=_LEVELS)
    return [
        _Input(name, (part.codes == place).astype(np.float64), level=level)
        for place, level in enumerate(part.names)
    ]


def _nodes(tree: Any, inputs: list[_Input]) -> list[dict[str, Any]]:
    """Return the tree's nodes in words, from the root down, left before right."""
    found: list[dict[str, Any]] = []

    def visit(node: int, parent: int | None, path: list[tuple[str, str]]) -> None:
        leaf = tree.children_left[node] < 0
        found.append(
            {
                "id": node,
                "parent": parent,
                "depth": len(path),
                "condition": path[-1][1] if path else "",
                "where": " and ".join(text for _, text in path) or "all rows",
                "columns": list(dict.fromkeys(column for column, _ in path)),
                "leaf": bool(leaf),
                "fitted_rows": int(tree.n_node_samples[node]),
            }
        )
        if leaf:
            return
        place, each = len(found) - 1, inputs[tree.feature[node]]
        missing_right = not tree.missing_go_to_left[node]
        for child, right in ((tree.children_left[node], False), (tree.children_right[node], True)):
            text = each.words(float(tree.threshold[node]), right, missing_right)
            visit(int(child), place, [*path, (each.column, text)])

    visit(0, None, [])
    return found


def _judged(nodes: list[ErrorNode], inside: list[np.ndarray], loss: np.ndarray) -> list[ErrorNode]:
    """Hold each leaf against all other held-out rows."""
    places = [
        i for i, node in enumerate(nodes)
        if node.leaf and node.depth and 2 <= inside[i].sum() <= len(loss) - 2
    ]  # fmt: skip
    found: dict[int, float] = {}
    if places:
        rows = np.array([inside[i].sum() for i in places], dtype=np.float64)
        sums = np.array([loss[inside[i]].sum() for i in places])
        squares = np.array([(loss[inside[i]] ** 2).sum() for i in places])
        _, p = welch(rows, sums, squares, loss)
        found = dict(zip(places, holm(p).tolist(), strict=True))
    return [
        node.model_copy(
            update={
                "p_value": found.get(i),
                "worse": found.get(i, 1.0) < _LEVEL,
                "verdict": _verdict(node, nodes[0].loss.value, found.get(i)),
            }
        )
        if node.leaf and node.depth
        else node
        for i, node in enumerate(nodes)
    ]


def _verdict(node: ErrorNode, whole: float | None, p: float | None) -> str:
    """Return what the held-out rows of a leaf say.

    Few rows that do not confirm a higher loss do not refute one either; nor do those whose
    interval reaches well beyond the loss of all rows.
    """
    if p is not None and p < _LEVEL:
        return "worse"
    high = node.loss.high
    if node.rows < ENOUGH or high is None or whole is None or high > _MUCH * whole:
        return "too few rows to tell"
    return "no higher loss found"
