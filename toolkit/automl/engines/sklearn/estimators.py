"""Scikit-learn's models on a coded matrix: how they predict, how they are saved, what they see."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.automl.engines.coding import Coding
from toolkit.automl.files import skops_file

_MOST_COLUMNS = 40
"""Columns that a category may become."""


class Estimators:
    """Scikit-learn's estimators and pipelines, as skops files.

    Parameters
    ----------
    classes : int
        How many classes there are; 0 for numbers. Known again from the file once loaded.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def predict(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        """Return probabilities of all classes, also of those that the model never saw."""
        if not self.classes:
            return np.asarray(model.predict(matrix), dtype=np.float64)
        scores = np.zeros((len(matrix), self.classes))
        scores[:, model.classes_] = model.predict_proba(matrix)
        return scores

    def save(self, model: Any, stem: Path) -> None:
        """Write ``<stem>.skops``."""
        skops_file.save(model, stem.with_suffix(".skops"))

    def load(self, stem: Path) -> Any:
        """Return the estimator."""
        return skops_file.load(stem.with_suffix(".skops"))


@contextmanager
def quiet(threads: int) -> Iterator[None]:
    """Keep linear algebra to some threads, and warnings of slow convergence to itself."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def dense(coding: Coding, rows: int, *, splines: bool = False, scaled: bool = True) -> Any:
    """Return an unfitted transformer of the coded matrix to one without gaps.

    Parameters
    ----------
    coding : Coding
        What is a number, what a category: these become columns of 0 and 1.
    rows : int
        Training rows: levels that few have become one.
    splines : bool
        Whether a number becomes a smooth curve of five pieces.
    scaled : bool
        Whether numbers are standardised. If neither this nor `splines`, gaps stay.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

    categories = coding.categories
    numbers = [place for place in range(len(coding.columns)) if place not in set(categories)]
    number: Any = "passthrough"
    if scaled or splines:
        impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        curve = SplineTransformer(5, degree=3, knots="quantile", extrapolation="constant")
        # A curve's columns lie between 0 and 1 as they are. Standardised, one that few
        # training rows touch would have the most to say about a new row.
        number = make_pipeline(impute, curve if splines else StandardScaler())
    category = OneHotEncoder(
        min_frequency=min(10, max(1, rows // 10)),
        max_categories=_MOST_COLUMNS,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    parts = [("number", number, numbers), ("category", category, categories)]
    return ColumnTransformer([part for part in parts if part[2]])
