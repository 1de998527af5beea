"""Mitigation inside the fit, tried on a quick model: reweighting and reductions.

The champion cannot be fitted again here. A small boosting model on the same columns stands in
for it; how much fairness costs it is a hint at what a new search would find, no promise.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.table import design, make_preprocessor

if TYPE_CHECKING:
    from toolkit.table import Part

NAME = "scikit-learn's HistGradientBoostingClassifier, 40 rounds"
ROWS = 10_000
"""The most training rows that it is fitted on."""
_STEPS = 5  # rounds of the reduction; each fits the model about twice
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
class StandIn:
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
        model = _model(self.seed).fit(
            self.train, self.actual, sample_weight=self.weights * weights
        )
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

    def reduced(self, metric: str, groups: np.ndarray, bound: float) -> np.ndarray:
        """Return the decisions after an exponentiated-gradient reduction.

        Agarwal and others (2018), "A reductions approach to fair classification", as fairlearn
        does it: it randomises between models, here with the project's seed. Errors cost what
        the threshold t implies: t for a false positive, 1 - t for a miss.

        Parameters
        ----------
        metric : str
            A fairness metric that has a constraint.
        groups : ndarray of int64, shape (m,)
            Each training row's group; rows of -1 are left out.
        bound : float
            How far a group's rate may be from that of all rows.
        """
        import fairlearn.reductions as fl

        inside = groups >= 0
        share = float(np.clip(self.threshold, 0.01, 0.99))
        reduction = fl.ExponentiatedGradient(
            _model(self.seed),
            getattr(fl, _CONSTRAINTS[metric])(difference_bound=bound),
            objective=fl.ErrorRate(costs={"fp": share, "fn": 1 - share}),
            max_iter=_STEPS,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas' coming changes, inside fairlearn
            reduction.fit(
                self.train[inside], self.actual[inside], sensitive_features=groups[inside]
            )
        decided: np.ndarray = (
            np.asarray(reduction.predict(self.test, random_state=self.seed)).ravel() == 1
        )
        return decided


def make_stand_in(
    train: Part, test: Part, positive: str, *, threshold: float, seed: int
) -> StandIn:
    """Return the rows of a stand-in, at most `ROWS` of training, drawn with the seed."""
    rows = np.arange(len(train))
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), ROWS, replace=False))
    columns = {name: each for name, each in train.columns.items() if each.type != "image"}
    fitted, _ = design(train.frame.iloc[rows].reset_index(drop=True), columns)
    judged, _ = design(test.frame, columns)
    preprocessor = make_preprocessor(fitted).fit(fitted)
    return StandIn(
        train=preprocessor.transform(fitted),
        test=preprocessor.transform(judged),
        actual=(train.target[rows] == positive).astype(np.int64),
        rows=rows,
        weights=np.ones(len(rows)) if train.weights is None else train.weights[rows],
        threshold=threshold,
        seed=seed,
    )


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


def _model(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=seed
    )
