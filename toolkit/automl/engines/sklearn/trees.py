"""Scikit-learn's histogram boosting and single trees as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.automl.engines.coding import Coding
from toolkit.forests import TreeNodes

Read = Callable[[Any], tuple[list[TreeNodes], np.ndarray] | None]


def boosted(model: Any) -> bool:
    """Return whether a model is histogram boosting."""
    return hasattr(model, "_predictors")


def reader(model: Any, coding: Coding, classes: int) -> Read | None:
    """Return what reads models of this kind; None where they have no trees.

    Parameters
    ----------
    model : estimator or pipeline
        One of the models.
    coding : Coding
        What made their matrix.
    classes : int
        How many there are; a model that saw fewer in training is not read.
    """
    if classes and len(model.classes_) < classes:
        return None
    if boosted(model):
        return lambda one: _boosting(one, coding)
    if hasattr(model, "steps") and hasattr(model[-1], "tree_"):
        return lambda one: _single(one, coding)
    return None


# -- histogram boosting ------------------------------------------------------------


def _boosting(model: Any, coding: Coding) -> tuple[list[TreeNodes], np.ndarray] | None:
    if type(model._loss.link).__name__ not in ("IdentityLink", "LogitLink", "MultinomialLogit"):
        return None
    places, codes = _columns(model, len(coding.columns))
    trees = []
    for step in model._predictors:
        for output, predictor in enumerate(step):
            trees.append(_predictor(predictor, places, codes, output))
    return trees, np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1)


def _columns(model: Any, count: int) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Return the matrix's column behind each of the model's, and the codes of categories.

    The model puts categories first and numbers each one's codes anew.
    """
    categories = model.is_categorical_
    if categories is None:
        return np.arange(count), {}
    first, rest = np.flatnonzero(categories), np.flatnonzero(~categories)
    encoder = model._preprocessor.named_transformers_["encoder"]
    codes = dict(enumerate(np.asarray(c, dtype=np.float64) for c in encoder.categories_))
    return np.concatenate([first, rest]), codes


def _predictor(
    predictor: Any, places: np.ndarray, codes: dict[int, np.ndarray], output: int
) -> TreeNodes:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    feature = nodes["feature_idx"].astype(np.int64)
    sets = {}
    for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf):
        words = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        bits = np.unpackbits(np.asarray(words, np.uint32).view(np.uint8), bitorder="little")
        own = codes[int(feature[node])]
        known = np.flatnonzero(~np.isnan(own))
        left = np.full(int(own[known].max(initial=-1)) + 1, bool(nodes["missing_go_to_left"][node]))
        left[own[known].astype(np.int64)] = bits[known] > 0
        sets[int(node)] = left
    return TreeNodes(
        column=np.where(leaf, -1, places[feature]),
        threshold=np.nextafter(nodes["num_threshold"].astype(np.float64), math.inf),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        cover=nodes["count"].astype(np.float64),
        value=np.where(leaf, nodes["value"], 0.0),
        sets=sets,
        output=output,
    )


# -- one tree on indicators ----------------------------------------------------------


def _single(model: Any, coding: Coding) -> tuple[list[TreeNodes], np.ndarray] | None:
    tree = model[-1].tree_
    features = _features(model[0], coding)
    if features is None:
        return None
    leaf = tree.children_left < 0
    feature = np.where(leaf, 0, tree.feature)
    column = np.array([features[f][0] for f in feature])
    missing_left = tree.missing_go_to_left.astype(bool)
    sets = {}
    for node in np.flatnonzero(~leaf):
        inside = features[feature[node]][1]
        if inside is not None:  # left of an indicator are all codes that it does not stand for
            sets[int(node)] = ~inside
            missing_left[node] = True
    value, base = _votes(model[-1], tree)
    return [
        TreeNodes(
            column=np.where(leaf, -1, column),
            threshold=np.nextafter(tree.threshold, math.inf),
            left=tree.children_left,
            right=tree.children_right,
            missing_left=missing_left,
            cover=tree.weighted_n_node_samples.astype(np.float64),
            value=np.where(leaf[:, None], value, 0.0),
            sets=sets,
        )
    ], base


def _features(columns: Any, coding: Coding) -> list[tuple[int, np.ndarray | None]] | None:
    """Return the matrix's column behind each feature, and which codes an indicator stands for."""
    found: list[tuple[int, np.ndarray | None]] = []
    for name, transformer, places in columns.transformers_:
        if name == "number":
            found += [(int(place), None) for place in places]
        elif name == "category":
            for number, place in enumerate(places):
                width = coding.width(coding.columns[place])
                found += [
                    (int(place), inside) for inside in _indicators(transformer, number, width)
                ]
    return found


def _indicators(encoder: Any, number: int, width: int) -> list[np.ndarray]:
    """Return, for each indicator of a column, which codes it stands for.

    Codes that the encoder never saw count as infrequent, or, where it has no such group, as none.
    """
    codes = np.arange(width, dtype=np.float64)
    count = encoder.transform(_one(encoder, number, codes))
    start = sum(_sizes(encoder)[:number])
    size = _sizes(encoder)[number]
    return [column > 0 for column in count[:, start : start + size].T]


def _one(encoder: Any, number: int, codes: np.ndarray) -> np.ndarray:
    rows = np.tile([float(c[0]) for c in encoder.categories_], (len(codes), 1))
    rows[:, number] = codes
    return rows


def _sizes(encoder: Any) -> list[int]:
    """Return how many indicators each column has: one for all infrequent categories together."""
    return [
        len(categories) - (0 if infrequent is None else len(infrequent) - 1)
        for categories, infrequent in zip(
            encoder.categories_, encoder.infrequent_categories_, strict=True
        )
    ]


def _votes(model: Any, tree: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what each node says, of two classes for the second alone, and the base."""
    value = tree.value[:, 0, :]
    if hasattr(model, "classes_"):
        value = (value / value.sum(axis=1, keepdims=True))[:, int(value.shape[1] == 2) :]
    return value, np.zeros(value.shape[1])
