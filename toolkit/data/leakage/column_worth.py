"""What a column adds to columns above suspicion: a quick model with it, and without."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from toolkit.data.leakage.association import area
from toolkit.data.rows import codes, is_numeric, numbers

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.data.rows import Table

_ROWS = 5_000
_MOST_COLUMNS = 60
_MOST_CLASSES = 6
_FOLDS = 3
_SALT = 131


class QuickModel:
    """Scores of boosted trees on some columns, out of sample, on the scale of associations.

    Classes: twice the area under the ROC curve minus one, a mean over classes. Numbers: R2.
    Texts and images are left out. At most 5,000 rows and the 60 columns given first are used.
    """

    def __init__(self, table: Table, rows: np.ndarray, names: Iterable[str]) -> None:
        kinds = table.columns
        kept = table.sample(np.arange(len(rows)), _ROWS, _SALT)
        self.rows = rows[kept]
        self.names = [n for n in names if kinds[n].type not in ("text", "image")][:_MOST_COLUMNS]
        cells = {}
        for name in self.names:
            series = table.frame[name].iloc[self.rows]
            cells[name] = numbers(series) if is_numeric(kinds[name]) else _ranked(series)
        self._cells = cells
        self._folds = table.rng(_SALT + 1).permutation(np.arange(len(self.rows)) % _FOLDS)
        self._regression = table.task == "regression"
        if self._regression:
            self._target = table.target[self.rows].astype(np.float64)
        else:
            found = table.class_codes()[self.rows]
            sizes = np.bincount(found)
            common = np.argsort(-sizes, kind="stable")[:_MOST_CLASSES]
            # Boosting of several classes goes astray on one of a few rows: rare ones are one.
            common = common[(sizes[common] >= 0.02 * len(found)) | (np.arange(len(common)) < 2)]
            place = np.full(int(found.max()) + 1, len(common))
            place[common] = np.arange(len(common))
            self._target = place[found]
        self._known: dict[frozenset[str], float] = {}

    def add(self, name: str, values: np.ndarray) -> None:
        """Take one more column: a number for each of `rows`."""
        self.names.append(name)
        self._cells[name] = values

    def score(self, names: Iterable[str]) -> float:
        """Return the score with these columns only: 0 (no better than a guess) to 1."""
        import sklearn.ensemble  # noqa: F401  (its threads can only be limited once it is there)
        from threadpoolctl import threadpool_limits

        chosen = frozenset(names) & set(self.names)
        if not chosen or len(self.rows) < 10 * _FOLDS or len(np.unique(self._target)) < 2:
            return 0.0
        if chosen not in self._known:
            matrix = np.column_stack([self._cells[n] for n in self.names if n in chosen])
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a fold may lack a class
                self._known[chosen] = self._cross_validated(matrix.astype(np.float32))
        return self._known[chosen]

    def _cross_validated(self, matrix: np.ndarray) -> float:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        matrix[~np.isfinite(matrix)] = np.nan
        classes = int(self._target.max()) + 1
        kind = HistGradientBoostingRegressor if self._regression else HistGradientBoostingClassifier
        width = 1 if self._regression else classes
        guess = np.zeros((len(matrix), width))
        for fold in range(_FOLDS):
            held = self._folds == fold
            learned = self._target[~held]
            if len(np.unique(learned)) < 2:
                continue
            model = kind(
                max_iter=40 if width <= 2 else 20, learning_rate=0.15, max_leaf_nodes=15,
                min_samples_leaf=int(min(20, max(2, len(learned) // 20))), l2_regularization=1.0,
                early_stopping=False, random_state=0,
            )  # fmt: skip
            some = np.isfinite(matrix[~held]).any(axis=0)  # a column of gaps cannot be binned
            if not some.any():
                continue
            model.fit(matrix[~held][:, some], learned)
            if self._regression:
                guess[held, 0] = model.predict(matrix[held][:, some])
            else:
                found = model.predict_proba(matrix[held][:, some])
                guess[np.ix_(held, model.classes_)] = found
        if self._regression:
            spread = float(((self._target - self._target.mean()) ** 2).sum())
            missed = float(((self._target - guess[:, 0]) ** 2).sum())
            return float(np.clip(1 - missed / spread, 0, 1)) if spread else 0.0
        hits = self._target[:, None] == np.arange(classes)
        found = np.array(
            [area(guess[:, k], hits[:, k] * 1.0, 1.0 - hits[:, k]) for k in range(classes)]
        )
        found = found[np.isfinite(found)]
        return float(np.clip(2 * found.mean() - 1, 0, 1)) if len(found) else 0.0


def _ranked(series: pd.Series) -> np.ndarray:
    """Return levels as numbers, the most frequent first; missing is NaN."""
    found, _ = codes(series)
    sizes = np.bincount(found[found >= 0]) if (found >= 0).any() else np.zeros(1, dtype=int)
    place = np.empty(len(sizes))
    place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.where(found < 0, np.nan, place[np.maximum(found, 0)])
