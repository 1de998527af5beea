"""Mitigation inside the fit, tried on a quick model: reweighting and reductions.

The champion cannot be fitted again here. A small boosting model on the same columns stands in
for it; how much fairness costs it is a hint at what a new search would find, no promise.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.evaluate.fairness.group_rates import fairness_statistic
from toolkit.table import design, make_preprocessor

if TYPE_CHECKING:
    from toolkit.table import Part

NAME = "scikit-learn's HistGradientBoostingClassifier, 20 rounds"
ROWS = 6_000
"""The most training rows that it is fitted on."""
_BINS = 64
_GRID = 9  # models of one reduction; of many groups, two for each
_PRICE = 0.5  # the highest price of unfairness, where an error costs 1 on average
_GROUPS = 6
_CONSTRAINTS = {
    "demographic_parity_difference": "DemographicParity",
    "equal_opportunity_difference": "TruePositiveRateParity",
    "equalized_odds_difference": "EqualizedOdds",
    "group_error_difference": "ErrorRateParity",
}
"""By fairness metric: fairlearn's constraint. It has none for precision."""


def has_constraint(metric: str) -> bool:
    """Whether a fairness metric has a matching constraint in fairlearn."""
    return metric in _CONSTRAINTS


@dataclass(frozen=True)
class SurrogateMitigation:
    """Rows for a quick model that decides at the champion's threshold.

    Attributes
    ----------
    train, test : ndarray of float32, shapes (m, p) and (n, p)
        The rows as numbers.
    actual : ndarray of int64, shape (m,)
        1 for a positive training row.
    rows : ndarray of int64, shape (m,)
        Positions of the training rows in their part.
    weights : ndarray of float64, shape (m,)
        How much each training row counts.
    threshold : float
        Of the positive class's probability.
    seed : int
    """

    train: np.ndarray
    test: np.ndarray
    actual: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    threshold: float
    seed: int

    def decide(self, weights: np.ndarray | float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Fit with further row weights; return the decisions on training and test rows."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            model = _model(self.seed)
            model.fit(self.train, self.actual, sample_weight=self.weights * weights)
            known, new = (model.predict_proba(x)[:, 1] for x in (self.train, self.test))
        return known >= self.threshold, new >= self.threshold

    def reweighted(self, groups: np.ndarray, strength: float) -> np.ndarray:
        """Return the decisions after reweighting (Kamiran and Calders 2012).

        A row of group g and class y counts P(g) P(y) / P(g, y) times, so that in the weighted
        rows the class does not depend on the group. At a strength below 1, that much of the way.

        Parameters
        ----------
        groups : ndarray of int64, shape (m,)
            Each training row's group; rows of -1 keep their weight.
        strength : float
            From 0 to 1.
        """
        factor = balancing(groups, self.actual, self.weights)
        return self.decide(1 + strength * (factor - 1))[1]

    def reduced(
        self, metric: str, groups: np.ndarray, allowed: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the decisions after a grid-search reduction, for each allowed difference.

        Agarwal and others (2018), "A reductions approach to fair classification", section 3.4,
        as fairlearn does it: one model for each of a few prices of unfairness. Of those that keep
        to the allowed difference on the training rows, the one whose errors cost least is taken;
        where none does, the one that differs least. Errors cost what the threshold t implies: t
        for a false positive, 1 - t for a miss (Elkan 2001).

        Parameters
        ----------
        metric : str
            A fairness metric that has a constraint.
        groups : ndarray of int64, shape (m,)
            Each training row's group; rows of -1 are left out.
        allowed : sequence of float
            Differences between groups.
        """
        import fairlearn.reductions as fl
        from threadpoolctl import threadpool_limits

        kept = _largest(groups)
        rows, actual, groups = self.train[kept], self.actual[kept], groups[kept]
        share = float(np.clip(self.threshold, 0.01, 0.99))
        costs = {"fp": 2 * share, "fn": 2 * (1 - share)}
        kind = getattr(fl, _CONSTRAINTS[metric])
        # The grid search has no argument for the objective: it takes the constraint's own.
        constraint = type(
            kind.__name__, (kind,), {"default_objective": lambda _: fl.ErrorRate(costs=costs)}
        )
        search = fl.GridSearch(_model(self.seed), constraint(), grid_size=_GRID, grid_limit=_PRICE)
        # On few rows threads wait for each other longer than they work.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # of pandas' coming changes, inside fairlearn
            search.fit(rows, actual, sensitive_features=groups)
        found, paid = [], []
        for model in search.predictors_:
            decided, truth = model.predict(rows) == 1, actual == 1
            wrong = (decided != truth).astype(np.float64)
            value = fairness_statistic(metric, truth, decided, wrong, groups)(np.ones(len(rows)))
            found.append(np.inf if value is None else value)
            paid.append(float((wrong * np.where(decided, share, 1 - share)).mean()))
        differences, prices = np.array(found), np.array(paid)
        best = [
            int(np.lexsort((prices, np.maximum(differences - limit, 0)))[0]) for limit in allowed
        ]
        return [search.predictors_[place].predict(self.test) == 1 for place in best]


def prepare_surrogate(
    train: Part, test: Part, positive: str, *, threshold: float, seed: int
) -> SurrogateMitigation:
    """Return what surrogate models are fitted on: at most `ROWS` training rows, drawn by seed."""
    rows = np.arange(len(train))
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), ROWS, replace=False))
    columns = {name: each for name, each in train.columns.items() if each.type != "image"}
    fitted, _ = design(train.frame.iloc[rows].reset_index(drop=True), columns)
    judged, _ = design(test.frame, columns)
    preprocessor = make_preprocessor(fitted).fit(fitted)
    known, new = binned(preprocessor.transform(fitted), preprocessor.transform(judged))
    return SurrogateMitigation(
        train=known,
        test=new,
        actual=(train.target[rows] == positive).astype(np.int64),
        rows=rows,
        weights=np.ones(len(rows)) if train.weights is None else train.weights[rows],
        threshold=threshold,
        seed=seed,
    )


def binned(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns of both parts as numbers of equal shares of the training rows.

    At most `_BINS` a column; a column of fewer values keeps them apart. The model would otherwise
    look for its bins again in each of its many fits, which takes longer than the fits.
    """
    made = np.empty_like(train), np.empty_like(test)
    for place, column in enumerate(train.T):
        edges = np.unique(column)
        if len(edges) > _BINS:
            shares = np.linspace(0, 1, _BINS + 1)[1:-1]
            edges = np.unique(np.quantile(column, shares, method="lower"))
        for own, part in zip(made, (train, test), strict=True):
            own[:, place] = np.searchsorted(edges, part[:, place], side="right")
    return made


def balancing(groups: np.ndarray, actual: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how often each row must count for class and group to be independent.

    Parameters
    ----------
    groups, actual : ndarray of int64, shape (m,)
        Group (-1 for none) and class, 0 or 1.
    weights : ndarray of float64, shape (m,)
        How much each row counts already.
    """
    found = np.ones(len(groups))
    inside = groups >= 0
    total = weights[inside].sum()
    for group in np.unique(groups[inside]).tolist():
        for label in (0, 1):
            cell = (groups == group) & (actual == label)
            of_group = weights[groups == group].sum()
            of_label = weights[inside & (actual == label)].sum()
            mine = weights[cell].sum()
            if mine > 0:
                found[cell] = of_group * of_label / (mine * total)
    return found


def _largest(groups: np.ndarray) -> np.ndarray:
    """Return which rows are in one of the largest groups."""
    names, counts = np.unique(groups[groups >= 0], return_counts=True)
    large: np.ndarray = np.isin(groups, names[np.argsort(-counts, kind="stable")[:_GROUPS]])
    return large


def _model(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=20, learning_rate=0.2, max_leaf_nodes=15, early_stopping=False, random_state=seed
    )
