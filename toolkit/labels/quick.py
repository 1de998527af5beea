"""A quick model's out-of-sample predictions: each row is judged by models that never saw it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FIT_ROWS = 20_000
"""Most rows that one model of the cross-validation is fitted on."""
_COMPARE_ALL = 5_000  # up to this many rows, candidates are compared on every fold
# Boosting grows a tree a class in each round, and looks at every column for each: beyond so many
# columns times classes it costs minutes, where a linear model takes seconds.
_WIDE = 1_500
_MANY = 20
_TREES, _FEWEST = 200, 50
_TREE_COLUMNS = 15_000
"""Trees times columns that extra trees of numbers have, about: on wide tables they take minutes."""
_BLOCK = 100_000
_FLOOR = 1e-6


@dataclass(frozen=True)
class Predictions:
    """The quick model's out-of-sample predictions.

    Attributes
    ----------
    scores : numpy.ndarray
        Probabilities, (n, k) in the order of the classes, or (n,) numbers.
    folds : numpy.ndarray
        (n,) the fold that held each row out.
    model : str
        The model in words.
    capped : bool
        Whether the models were fitted on a sample of `FIT_ROWS` rows.
    """

    scores: np.ndarray
    folds: np.ndarray
    model: str
    capped: bool


def out_of_sample(
    design: pd.DataFrame,
    target: np.ndarray,
    *,
    classes: list[str],
    folds: int,
    seed: int,
    groups: np.ndarray | None = None,
    copies: np.ndarray | None = None,
    threads: int = 1,
    report: Callable[[str, int, int], None] | None = None,
) -> Predictions:
    """Predict every row by cross-validation with the better of two quick models.

    Gradient boosting (Friedman 2001) and extremely randomised trees (Geurts et al. 2006) are
    compared by log loss or squared error on held-out rows; which of them ranks wrong labels
    best depends on the table, and the better predictor did so on all those tried. Where
    boosting would take minutes (images of many classes), a penalised linear model takes its
    place.

    Parameters
    ----------
    design : pandas.DataFrame
        Design frame, (n, p).
    target : numpy.ndarray
        (n,) class codes (int), or numbers.
    classes : list of str
        Class names by code; empty for regression.
    folds : int
        Wished number of folds; fewer rows or groups give fewer.
    seed : int
        Of folds, samples and models.
    groups : numpy.ndarray, optional
        (n,) rows of one group share a fold.
    copies : numpy.ndarray, optional
        (n,) groups of equal rows, from 0 in order of first appearance, which share a fold too:
        a copy with the same wrong label would vouch for it.
    threads : int
        For fitting; it does not change the result.
    report : callable, optional
        Gets a message, steps done and steps in all.
    """
    if copies is not None and groups is None:
        first = np.unique(copies, return_index=True)[1]
        fold = assign_folds(target[first], folds, seed, classes=bool(classes))[copies]
    else:
        fold = assign_folds(target, folds, seed, classes=bool(classes), groups=groups)
    job = _Job(design, target, fold, len(classes), seed, threads)
    count = int(fold.max()) + 1
    names = ["extra trees"]
    trees = max(1, len(classes) if len(classes) > 2 else 1)
    if design.shape[1] * trees <= _WIDE and len(classes) <= _MANY:
        names.append("gradient boosting")
    elif len(classes) <= _MANY and len(target) <= _COMPARE_ALL * 4:
        names.append("linear model")
    compared = range(count) if len(target) <= _COMPARE_ALL else range(1)
    total = count + len(compared) * (len(names) - 1)
    done: dict[tuple[str, int], np.ndarray] = {}
    for name in names:
        for number in compared:
            done[name, number] = job.predict(name, number)
            if report:
                report("Quick model for the labels", len(done), total)
    losses = {n: float(np.mean([job.loss(done[n, f], f) for f in compared])) for n in names}
    best = min(names, key=lambda name: losses[name])
    scores = np.zeros((len(target), len(classes)) if classes else len(target))
    for number in range(count):
        if (best, number) not in done:
            done[best, number] = job.predict(best, number)
            if report:
                report("Quick model for the labels", len(done), total)
        scores[fold == number] = done[best, number]
    capped = len(target) - int(np.bincount(fold).max()) > FIT_ROWS
    return Predictions(scores, fold, best, capped)


def assign_folds(
    target: np.ndarray, folds: int, seed: int, *, classes: bool, groups: np.ndarray | None = None
) -> np.ndarray:
    """Return each row's fold, (n,) from 0: stratified by class, whole groups together."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    rows = len(target)
    units = rows if groups is None else len(np.unique(groups))
    count = max(2, min(folds, units))
    if classes:  # stratifying needs a class with a row for every fold
        largest = int(np.bincount(target).max())
        count = max(2, min(count, largest))
        classes = largest >= count
    kind: Any
    if groups is None:
        kind = StratifiedKFold if classes else KFold
    else:
        kind = StratifiedGroupKFold if classes else GroupKFold
    splitter = kind(count, shuffle=True, random_state=seed)
    result = np.zeros(rows, dtype=np.int64)
    with warnings.catch_warnings():
        # A class with fewer rows than folds is allowed: it is named in a check.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, held_out) in enumerate(splitter.split(np.zeros(rows), target, groups)):
            result[held_out] = number
    return result


@dataclass
class _Job:
    design: pd.DataFrame
    target: np.ndarray
    fold: np.ndarray
    classes: int
    seed: int
    threads: int

    def predict(self, name: str, number: int) -> np.ndarray:
        """Fit on the other folds and predict one."""
        from threadpoolctl import threadpool_limits

        # OpenMP's threads spin while they wait: on a busy machine two took five times the
        # processor time of one. The trees' own threads do not, but small tables need none.
        threads = self.threads if len(self.target) > _COMPARE_ALL else 1
        with threadpool_limits(1):
            return self._predict(name, number, threads)

    def _predict(self, name: str, number: int, threads: int) -> np.ndarray:
        from toolkit.table import make_preprocessor

        inside = np.flatnonzero(self.fold != number)
        held_out = np.flatnonzero(self.fold == number)
        if len(inside) > FIT_ROWS:
            generator = np.random.default_rng([self.seed, number])
            inside = np.sort(generator.choice(inside, FIT_ROWS, replace=False))
        known = np.unique(self.target[inside])
        if len(known) == 1:  # nothing to learn: all that these rows say is this one value
            return self._constant(known[0], len(held_out))
        columns = make_preprocessor(self.design.iloc[inside])
        matrix = columns.fit_transform(self.design.iloc[inside])
        stop_early = _can_stop_early(self.target[inside], self.classes > 0)
        model = _model(name, self.classes > 0, self.seed, threads, stop_early)
        if name == "extra trees" and not self.classes:
            # A tree of numbers looks at every column for each split.
            model.n_estimators = int(np.clip(_TREE_COLUMNS / matrix.shape[1], _FEWEST, _TREES))
        model.fit(matrix, self.target[inside])
        if hasattr(model, "n_jobs"):
            model.n_jobs = 1  # threads add up tree votes in any order, which changes last digits
        parts = [
            self._score(model, columns.transform(self.design.iloc[held_out[i : i + _BLOCK]]))
            for i in range(0, len(held_out), _BLOCK)
        ]
        return np.concatenate(parts)

    def loss(self, scores: np.ndarray, number: int) -> float:
        """Return log loss or squared error on one fold."""
        actual = self.target[self.fold == number]
        if self.classes:
            given = scores[np.arange(len(actual)), actual]
            return float(-np.log(np.maximum(given, _FLOOR)).mean())
        return float(((actual - scores) ** 2).mean())

    def _score(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        if not self.classes:
            return np.asarray(model.predict(matrix), dtype=np.float64)
        scores = np.zeros((len(matrix), self.classes))
        scores[:, model.classes_] = model.predict_proba(matrix)  # a class may lack in the fold
        return scores

    def _constant(self, value: Any, rows: int) -> np.ndarray:
        if not self.classes:
            return np.full(rows, float(value))
        scores = np.zeros((rows, self.classes))
        scores[:, int(value)] = 1.0
        return scores


def _model(name: str, classify: bool, seed: int, threads: int, stop_early: bool) -> Any:
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )
    from sklearn.linear_model import LogisticRegression, Ridge

    if name == "extra trees":
        trees = ExtraTreesClassifier if classify else ExtraTreesRegressor
        return trees(n_estimators=_TREES, min_samples_leaf=3, n_jobs=threads, random_state=seed)
    if name == "linear model":
        return LogisticRegression(C=0.1, max_iter=200) if classify else Ridge(alpha=100.0)
    boosting = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return boosting(
        max_iter=200 if stop_early else 40,
        learning_rate=0.06,
        max_leaf_nodes=15,
        early_stopping=stop_early,
        random_state=seed,
    )


def _can_stop_early(target: np.ndarray, classify: bool) -> bool:
    # A tenth of the rows is set aside to tell when to stop, and must hold every class.
    if len(target) < 100 or not classify:
        return len(target) >= 100
    counts = np.unique(target, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(target) >= 10 * len(counts))
