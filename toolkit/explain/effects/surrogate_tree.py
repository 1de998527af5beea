"""A small decision tree that approximates the champion, and its fidelity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit import formats, metrics
from toolkit.artifacts import Surrogate, TreeNode
from toolkit.explain.effects.sampled_rows import MISSING, SampledRows, as_levels, as_numbers
from toolkit.explain.effects.tree_conditions import condition, rule

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeRegressor

    from toolkit.table import Part

TEST_ROWS = 5_000
_LEVELS = 12
_FEWEST = 5
"""A level of fewer rows is not asked about: it would point at single rows."""
_SMALL, _LARGE = 3, 4
_GOOD, _WORTH = 0.9, 0.05


@dataclass(frozen=True)
class TreeInput:
    """One input of the tree.

    Attributes
    ----------
    column, kind : str
        A column, and what it is.
    level : str
        Categories: the level that is 1, others 0.
    """

    column: str
    kind: str
    level: str = ""


def surrogate(sample: SampledRows, test: Part, columns: list[str]) -> Surrogate:
    """Fit a tree of depth 3 (4 where that explains much more) to the champion's outputs.

    It is fitted on the training rows of the sample and compared with the champion on test rows.
    It may ask about some columns, the most important ones, but not about texts and images.
    """
    asked = questions(sample, columns)
    left_out = [name for name in columns if sample.kinds[name] in ("text", "image")]
    if not asked:
        return Surrogate(left_out=left_out)
    inputs = design(sample.frame, asked)
    tree = _fit(inputs, sample, _SMALL)
    known = tree.score(inputs, sample.scores)
    if known < _GOOD:
        larger = _fit(inputs, sample, _LARGE)
        if larger.score(inputs, sample.scores) > known + _WORTH:
            tree = larger
    size = min(len(test), TEST_ROWS)
    rows = np.sort(np.random.default_rng([sample.seed, 51]).choice(len(test), size, replace=False))
    frame = test.frame[list(sample.kinds)].iloc[rows].reset_index(drop=True)
    truth = sample.score([frame])[0]
    guess = np.asarray(tree.predict(design(frame, asked))).reshape(truth.shape)
    nodes = _nodes(tree, asked, sample)
    return Surrogate(
        depth=int(tree.get_depth()),
        rows=len(sample.frame),
        test_rows=size,
        r2=_r2(truth, guess),
        agreement=_agreement(sample, truth, guess),
        left_out=left_out,
        nodes=nodes,
        rules=_rules(nodes),
    )


def questions(sample: SampledRows, columns: list[str]) -> list[TreeInput]:
    """Return what a tree may ask: numbers and dates, and frequent levels of categories."""
    found = []
    for name in columns:
        kind = sample.kinds[name]
        if kind in ("number", "date"):
            found.append(TreeInput(name, kind))
        elif kind == "category":
            counts = pd.Series(as_levels(sample.frame[name])).value_counts()
            levels = sorted(counts.index, key=lambda level: (-counts[level], level))
            found += [
                TreeInput(name, kind, level)
                for level in levels[:_LEVELS]
                if _FEWEST <= counts[level] < len(sample.frame)
            ]
    return found


def design(frame: pd.DataFrame, asked: list[TreeInput]) -> np.ndarray:
    """Return the tree's inputs (n, questions); a missing number stays missing (NaN)."""
    texts = {q.column: as_levels(frame[q.column]) for q in asked if q.kind == "category"}
    return np.column_stack(
        [
            (texts[q.column] == q.level).astype(np.float64)
            if q.kind == "category"
            else as_numbers(frame[q.column], q.kind)
            for q in asked
        ]
    )


def _fit(inputs: np.ndarray, sample: SampledRows, depth: int) -> DecisionTreeRegressor:
    from sklearn.tree import DecisionTreeRegressor

    fewest = max(_FEWEST, len(inputs) // 100) if len(inputs) >= 4 * _FEWEST else 1
    tree = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=fewest, random_state=sample.seed)
    return tree.fit(inputs, sample.scores)


def _r2(truth: np.ndarray, guess: np.ndarray) -> float | None:
    spread = float(((truth - truth.mean(axis=0)) ** 2).sum())
    if spread <= 1e-18 * max(1, truth.size):
        return None  # a constant output: nothing to explain
    return 1 - float(((truth - guess) ** 2).sum()) / spread


def _agreement(sample: SampledRows, truth: np.ndarray, guess: np.ndarray) -> float | None:
    if sample.model.task == "regression":
        return None
    if sample.model.task == "binary":
        truth, guess = (np.column_stack([1 - each, each]) for each in (truth, guess))
    context = metrics.context_of(sample.model)
    return float(np.mean(metrics.decide(truth, context) == metrics.decide(guess, context)))


def _nodes(tree: Any, asked: list[TreeInput], sample: SampledRows) -> list[TreeNode]:
    inner = tree.tree_
    names = sample.names
    lacking = {name for name in sample.kinds if sample.frame[name].isna().any()}
    found = []
    for place in range(inner.node_count):
        values = {
            name: float(f"{value:.6g}")
            for name, value in zip(names, inner.value[place][:, 0], strict=True)
        }
        rows = int(inner.n_node_samples[place])
        yes, no = int(inner.children_left[place]), int(inner.children_right[place])
        if yes < 0:
            found.append(TreeNode(rows=rows, values=values))
            continue
        question = asked[inner.feature[place]]
        if question.kind == "category":
            # Left is 0, which is "is not"; people read "is" first.
            yes, no, text = no, yes, f"is {question.level}"
            text = "is missing" if question.level == MISSING else text
        else:
            text = condition(float(inner.threshold[place]), question.kind)
        missing = ""
        if question.kind != "category" and question.column in lacking:
            missing = "yes" if inner.missing_go_to_left[place] else "no"
        found.append(
            TreeNode(column=question.column, test=text, missing=missing, yes=yes, no=no, rows=rows,
                     values=values)
        )  # fmt: skip
    return found


def _rules(nodes: list[TreeNode]) -> list[str]:
    """Return every path to a leaf in words, with what comes out and for how many rows."""
    found: list[str] = []

    def walk(place: int, path: list[tuple[TreeNode, bool]]) -> None:
        node = nodes[place]
        if node.yes < 0:
            shown = sorted(node.values.items(), key=lambda pair: -pair[1])[:3]
            result = (
                formats.number(shown[0][1], 4)
                if len(node.values) == 1
                else ", ".join(f"{name} {formats.number(value)}" for name, value in shown)
            )
            share = node.rows / nodes[0].rows
            found.append(f"{rule(path)}: {result} ({node.rows:,} rows, {formats.percent(share)})")
            return
        walk(node.yes, [*path, (node, True)])
        walk(node.no, [*path, (node, False)])

    walk(0, [])
    return found
