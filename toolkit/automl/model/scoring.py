"""A saved model for the rows that people have: read by any reader, unlike the training rows."""

from __future__ import annotations

import contextlib
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from toolkit import formats, metrics, table
from toolkit.automl.model.saved_model import Model, champion_folder, saved_facts
from toolkit.errors import DataError, ModelError, UnusualRowsWarning
from toolkit.run.folder import Run
from toolkit.table import InputSchema
from toolkit.table.cells import values

if TYPE_CHECKING:
    import pandas as pd


Unusual = Literal["warn", "error", "ignore", "return"]
_SHARE = 0.05
"""The share of rows from which a column's unusual cells are reported."""
_CHANCE = 3.0
"""Standard errors by which a share of unusual cells that are expected may vary."""
_SHOWN = 4


class ScoringModel(Model):
    """A saved model that takes rows from any reader.

    Rows that pandas, a database, Excel or a web request has converted are brought back to the
    spelling of the training table, so that they score as the source itself does; where that
    cannot be known, they are refused. It keeps to `toolkit.table.Predictor`.
    """

    @cached_property
    def schema(self) -> InputSchema | None:
        """What the training table held; None for a model of a version that kept none."""
        return InputSchema.load(self.folder, self.columns)

    def predict(self, frame: Any, unusual: Unusual = "warn") -> Any:
        """Return calibrated probabilities (n, k) in the order of `classes`, or values (n,).

        Parameters
        ----------
        frame : pandas.DataFrame or other rows
            One row as a Series or dict; rows as a DataFrame, a list of dicts, a dict of lists,
            or a table of polars or pyarrow. Columns in any order; others are left out.
        unusual : str
            What happens where rows are unlike the training rows (levels never seen, values
            outside their range by more than a tenth of it, cells that cannot be read, gaps
            where there were none) in a twentieth of the rows or more: ``warn``, ``error``, or
            ``ignore``. ``return`` returns a pair: the scores, and a table of every such column,
            as `unusual_rows` does.

        Raises
        ------
        DataError
            Where a column is missing, a reader's conversion cannot be undone, or, with
            ``error``, rows are unusual.
        """
        typed, found = self._received(frame, unusual)
        scores = super().predict(typed)
        return (scores, found) if unusual == "return" else scores

    def unusual_rows(self, frame: Any) -> pd.DataFrame:
        """Return where rows are unlike the training rows; see `InputSchema.unusual`."""
        return self._received(frame, "return")[1]

    def interval(self, frame: Any, unusual: Unusual = "warn") -> np.ndarray:
        """Return lower and upper bounds, (n, 2); see `Model.interval`."""
        return super().interval(self._received(frame, unusual)[0])

    def prediction_set(self, frame: Any, unusual: Unusual = "warn") -> list[list[str]]:
        """Return each row's classes that may be the truth; see `Model.prediction_set`."""
        return super().prediction_set(self._received(frame, unusual)[0])

    def labels(self, target: Any) -> np.ndarray:
        """Return a target's values, as any reader gave them, as `decide` gives labels.

        A value that is no class becomes None; a missing value is the class that readers take for
        one, such as ``None``, if there is such a class.

        Raises
        ------
        DataError
            If a number is to be had from text, whose decimal mark is not known here.
        """
        import pandas as pd

        series = pd.Series(target).reset_index(drop=True)
        if self.task == "regression":
            if not pd.api.types.is_numeric_dtype(series.dtype):
                raise DataError(
                    "holds text",
                    where="the target",
                    expected="numbers",
                    remedy="Read it with the file's decimal and thousands marks",
                )
            return series.to_numpy(dtype="float64", na_value=np.nan)
        known = {same: k for k, name in enumerate(self.classes) for same in _spellings(name)}
        found = values.cells(series, ())
        texts = [values.label_text(text) for text in found.texts]
        # pandas.read_csv takes the class None for missing; who kept the word kept the gaps too.
        words = [name for name in self.classes if name in values.MISSING]
        gap = known[words[0]] if len(words) == 1 and words[0] not in texts else -1
        codes = found.spread(np.array([known.get(text, -1) for text in texts], dtype=int), gap)
        typed = metrics.label_values(self.classes)
        if (codes >= 0).all():
            return typed[codes]
        return np.array([*typed.tolist(), None], dtype=object)[codes]

    def _received(self, rows: Any, unusual: Unusual) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return rows typed, and where they are unusual."""
        import pandas as pd

        if unusual not in get_args(Unusual):
            raise DataError(
                f"{unusual!r} is no way to treat unusual rows",
                where="unusual",
                expected="warn, error, ignore or return",
            )
        frame = table.as_frame(rows, list(self.columns))
        frame = table.pick(frame, self.columns)
        if self.schema is None:
            if unusual in ("error", "return"):
                raise ModelError(
                    "was saved by a version that kept no input schema: what is unusual is not"
                    " known",
                    where=self.name,
                    remedy="Run 04_automl.ipynb again, or leave `unusual` out",
                )
            return table.conform(frame, self.columns), pd.DataFrame()
        raw = self.schema.restore(frame)
        typed = table.conform(raw, self.columns)
        if unusual == "ignore" or not len(typed):
            return typed, pd.DataFrame()
        found = self.schema.unusual(raw.reset_index(drop=True), typed)
        if unusual != "return":
            self._tell(found, len(typed), unusual)
        return typed, found

    def _tell(self, found: pd.DataFrame, rows: int, unusual: Unusual) -> None:
        # In a column of nearly as many levels as rows, such as ticket numbers, new ones are usual.
        usual = found["expected"]
        chance = _CHANCE * np.sqrt(usual * (1 - usual) / rows)
        told = found[found["share"] >= usual + np.maximum(_SHARE, chance)]
        if told.empty:
            return
        lines = [
            f"{line['column']!r} in {formats.percent(line['share'])}: {line['finding']}"
            + (f" ({line['examples']})" if line["examples"] else "")
            for line in told.head(_SHOWN).to_dict("records")
        ]
        more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        problem = f"of {rows:,} rows, unlike the training rows: {'; '.join(lines)}{more}"
        if unusual == "error":
            raise DataError(
                problem,
                where=self.name,
                remedy="Check the source and how it is read; unusual='warn' scores them anyway",
            )
        warnings.warn(
            f"{self.name}: {problem}. Their scores are extrapolations; unusual='error' refuses"
            " such rows, unusual='return' lists them.",
            UnusualRowsWarning,
            stacklevel=4,
        )


def _spellings(name: str) -> set[str]:
    """Return what readers may make of a class: ``1`` of ``01``."""
    with contextlib.suppress(ValueError):
        return {name, str(values.cell_text(float(name)))}
    return {name}


def load_model(source: Run | Path | str) -> ScoringModel:
    """Return a saved model; nothing of its training session is needed.

    Parameters
    ----------
    source : Run or path
        A run, whose champion is loaded, or a model's folder.

    Raises
    ------
    MissingArtifact
        If the run has no champion yet.
    ModelError
        If the folder holds no model, or one made by another major version of its engine.
    """
    folder = champion_folder(source) if isinstance(source, Run) else source
    model = ScoringModel(*saved_facts(folder))
    if model.schema is None:
        warnings.warn(
            f"{model.name}: saved by a version that kept no input schema. Rows score as they"
            " are given: read codes and dates as text. Run 04_automl.ipynb again to have it.",
            UnusualRowsWarning,
            stacklevel=2,
        )
    return model
