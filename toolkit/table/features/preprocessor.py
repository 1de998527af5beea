"""From a design frame to a dense matrix, for models that take nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    import pandas as pd


class Preprocessor(TransformerMixin, BaseEstimator):
    """Impute and standardise numbers, one-hot categories; float32 out.

    Parameters
    ----------
    numbers, categories : list of str
        Columns by kind.
    min_frequency : int
        Categories with fewer training rows become one, which also stands for categories
        never seen.
    max_categories : int
        The most columns made of one category column.

    Notes
    -----
    A number's median stands in where it is missing, beside a column that says so. A
    missing category is a category. Columns without any value become zeros.
    """

    def __init__(
        self,
        numbers: list[str],
        categories: list[str],
        min_frequency: int = 10,
        max_categories: int = 40,
    ) -> None:
        self.numbers = numbers
        self.categories = categories
        self.min_frequency = min_frequency
        self.max_categories = max_categories

    def fit(self, frame: pd.DataFrame, y: Any = None) -> Self:
        """Learn medians, scales and categories from training rows."""
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        number = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
        )
        category = OneHotEncoder(
            min_frequency=min(self.min_frequency, max(1, len(frame) // 10)),
            max_categories=self.max_categories,
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
            dtype=np.float32,
        )
        parts = [("number", number, self.numbers), ("category", category, self.categories)]
        self.transformer_ = ColumnTransformer(
            [part for part in parts if part[2]], verbose_feature_names_out=False
        )
        self.transformer_.fit(self._prepared(frame))
        self.n_features_in_ = len(self.numbers) + len(self.categories)
        return self

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the matrix, float32, shape (n, columns out)."""
        matrix = self.transformer_.transform(self._prepared(frame))
        return np.ascontiguousarray(matrix, dtype=np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns out."""
        names: np.ndarray = self.transformer_.get_feature_names_out()
        return names

    def sources(self) -> list[str]:
        """Return the column of the design frame that each column out comes from."""
        made = list(self.numbers)
        fitted = self.transformer_.named_transformers_
        if self.numbers:
            gaps = fitted["number"].named_steps["simpleimputer"].indicator_.features_
            made += [self.numbers[place] for place in gaps]
        if self.categories:
            encoder = fitted["category"]
            rare = encoder.infrequent_categories_
            for name, levels, few in zip(self.categories, encoder.categories_, rare, strict=True):
                # All rare levels share one column.
                made += [name] * (len(levels) - (0 if few is None else len(few) - 1))
        return made

    def _prepared(self, frame: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        columns: dict[str, Any] = {
            name: frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in self.numbers
        }
        for name in self.categories:
            columns[name] = frame[name].to_numpy(dtype=object, na_value="(missing)")
        return pd.DataFrame(columns)


def make_preprocessor(frame: pd.DataFrame) -> Preprocessor:
    """Return an unfitted transformer of a design frame to a dense float32 matrix."""
    import pandas as pd

    numbers = [n for n in frame.columns if pd.api.types.is_numeric_dtype(frame[n].dtype)]
    categories = [n for n in frame.columns if n not in set(numbers)]
    return Preprocessor(numbers=numbers, categories=categories)
