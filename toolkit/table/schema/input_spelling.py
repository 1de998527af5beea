"""Cells that a reader has converted, back in the spelling of the training table."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from toolkit.errors import DataError
from toolkit.table.cells import amounts, values
from toolkit.table.schema.column_schema import ColumnSchema
from toolkit.table.types import typed

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column

EXACT, EXACT_SINGLE = 2**53, 2**24
"""Whole numbers below are exact as floats, and as floats of single precision."""
_Unit = Literal["s", "ms", "us", "ns"]
_UNITS: tuple[_Unit, ...] = ("s", "ms", "us", "ns")


def number_key(number: float) -> str:
    """Return a number as text, to as many digits as every reader agrees upon."""
    whole = number.is_integer() and abs(number) < EXACT
    return str(int(number)) if whole else f"{number:.15g}" if abs(number) < EXACT else repr(number)


@dataclass
class Restoring:
    """One column on its way back to the spelling of the training table."""

    name: str
    series: pd.Series
    column: Column
    schema: ColumnSchema

    def run(self) -> pd.Series:
        """Return the column.

        Raises
        ------
        DataError
            Where a conversion cannot be undone.
        """
        kind = self.column.type
        if kind == "number":
            self._refuse_shifted_marks()
        elif kind == "date":
            return self._dates()
        elif kind in ("category", "boolean"):
            return self._texts()
        return self.series

    def _refuse_shifted_marks(self) -> None:
        # 1.025 in a file with dots as thousands is 1025; who reads 1.025 cannot tell any more.
        if self.column.decimal != "," or not self.schema.whole:
            return
        if self.series.dtype.kind not in "f":
            return
        numbers = self.series.to_numpy(dtype="float64")
        broken = numbers[np.isfinite(numbers) & (numbers != np.round(numbers))]
        if len(broken):
            raise self._cannot_tell(
                f"{values.cell_text(broken[0])} is no whole number, and every one of the training"
                " table is: a dot that separates thousands was read as the decimal mark",
                "Read the file with decimal=',' and thousands='.', or every column as text"
                " (dtype=str)",
            )

    def _dates(self) -> pd.Series:
        """Give digits such as 10203 (``%d%m%y``) their zeros back, and epochs their moment."""
        import pandas as pd

        if pd.api.types.is_object_dtype(self.series.dtype):
            known = self.series.dropna()
            if len(known) and all(isinstance(value, datetime.date) for value in known):
                return pd.to_datetime(self.series)
        layout = self.column.format or ""
        if not _holds_numbers(self.series):
            return self.series
        if _is_single(self.series) and (self.series.abs() >= EXACT_SINGLE).any():
            raise self._cannot_tell(
                f"{self.series.max():.0f} is a number of single precision, which has lost digits",
                self._as_text(),
            )
        if layout in ("excel", "unix", "unix-ms"):
            return self.series
        if layout and re.fullmatch(r"(%[dmyYHMS])+", layout):
            width = len(datetime.date(2000, 1, 1).strftime(layout))
            return self._mapped(lambda text: text.zfill(width) if text.isdecimal() else text)
        numbers = pd.to_numeric(self.series, errors="coerce").to_numpy(dtype="float64")
        unit = self._unit(numbers[np.isfinite(numbers)])
        if unit is None:
            return self.series
        # What counts from 1970 counts in UTC; a zone brings it to local time.
        return pd.to_datetime(
            pd.Series(numbers, index=self.series.index),
            unit=unit,
            utc=self.column.timezone is not None,
        )

    def _unit(self, numbers: np.ndarray) -> _Unit | None:
        ends = self.schema.widened()
        if ends is None or not len(numbers):
            return None
        low, high = ends
        fits = [
            unit
            for power, unit in enumerate(_UNITS)
            if np.mean((numbers >= low * 1000**power) & (numbers <= high * 1000**power)) > 0.5
        ]
        return fits[0] if len(fits) == 1 else None

    def _texts(self) -> pd.Series:
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(self.series.dtype):
            return self._from_moments()
        restored = self.series
        if _holds_numbers(restored) or self.column.type == "boolean":
            restored = self._mapped(self._spelled)
        gaps = self.schema.spellings.get("", [])
        return self._with_gaps(restored, gaps) if gaps and restored.isna().any() else restored

    def _mapped(self, spell: Any) -> pd.Series:
        """Return the column as text, each distinct value spelled anew; real texts stay."""
        import pandas as pd

        single = _is_single(self.series)
        cells: Any = self.series.astype("float32") if single else self.series
        codes, distinct = pd.factorize(cells.array, use_na_sentinel=True)
        texts: list[str | None] = []
        value: Any
        for value in distinct:
            text = values.cell_text(value)
            if isinstance(value, float | np.floating):
                lossy = abs(float(value)) >= (EXACT_SINGLE if single else EXACT)
                # The shortest text of a single-precision 2.1 is 2.1, not 2.0999999046.
                text = self._nearest(value) if lossy else number_key(float(str(value)))
            texts.append(text if text is None else spell(values.label_text(text.strip())))
        spelled = np.array([*texts, None], dtype=object)[codes]
        return pd.Series(spelled, index=self.series.index, dtype="str")

    def _nearest(self, value: Any) -> str:
        """Return the long number of the table that a float stands for, which has lost digits."""
        number = float(value)
        near = 4 * float(np.spacing(abs(value)))  # readers may miss by some units in the last place
        first, end = np.searchsorted(self._long[0], [number - near, number + near + 1])
        found = {
            text
            for long, text in zip(self._long[0][first:end], self._long[1][first:end], strict=True)
            if abs(long - number) <= near
        }
        if len(found) > 1:
            raise self._ambiguous(f"{number:.0f}", sorted(found))
        if not found:
            raise self._cannot_tell(
                f"{number:.0f} was read as a decimal number and may have lost digits",
                self._as_text(),
            )
        return found.pop()

    @cached_property
    def _long(self) -> tuple[np.ndarray, list[str]]:
        """The numbers of the table that a float may not hold, ascending, and their spellings."""
        texts = {text for found in self.schema.spellings.values() for text in found}
        texts.update(self.schema.levels or ())
        pairs = sorted(
            (number, text)
            for text in texts
            if amounts.PLAIN.fullmatch(text) and abs(number := float(text)) >= EXACT_SINGLE
        )
        return np.array([number for number, _ in pairs]), [text for _, text in pairs]

    def _spelled(self, text: str) -> str:
        levels = self.schema.levels or []
        if self.column.type == "boolean" and text not in levels:
            # Of 1, yes and True the table knows one; the others say the same.
            said = typed.truth(text)
            same = [level for level in levels if said is not None and typed.truth(level) is said]
            return same[0] if len(same) == 1 else text
        found = self.schema.spellings.get(text, [text])
        if len(found) > 1:
            raise self._ambiguous(text, found)
        if found == [text] and text.isdecimal() and text not in levels:
            if self.schema.width is not None:
                return text.zfill(self.schema.width)
            if self.schema.irregular:
                raise self._cannot_tell(
                    f"{text} is new, and codes of this column may begin with zeros, which a"
                    " number has lost",
                    self._as_text(),
                )
        return found[0]

    def _ambiguous(self, text: str, found: list[str]) -> DataError:
        return self._cannot_tell(
            f"{text} may stand for {' or '.join(map(repr, found[:4]))} of the training table",
            self._as_text(),
        )

    def _with_gaps(self, restored: pd.Series, gaps: list[str]) -> pd.Series:
        # pandas.read_csv takes the level None for missing. Who kept it kept the real gaps too.
        written = set(restored.dropna().astype(str).str.strip().unique())
        if written & set(gaps):
            return restored
        if self.schema.missing or len(gaps) > 1:
            what = " or ".join([*map(repr, gaps), *(["a gap"] if self.schema.missing else [])])
            raise self._cannot_tell(
                f"{int(restored.isna().sum()):,} missing cells may be {what} of the training table",
                "Read the file with keep_default_na=False and na_values=['']",
            )
        return restored.astype(object).where(restored.notna(), gaps[0]).astype("str")

    def _from_moments(self) -> pd.Series:
        levels = set(self.schema.levels or ())
        moments = self.series.astype(object)
        forms = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
        for form in forms:
            texts = self.series.dt.strftime(form)
            if texts.isin(levels).any():
                return texts
        example = min(levels, default="")
        raise self._cannot_tell(
            f"{moments.dropna().iloc[0] if moments.notna().any() else 'it'} is a date, and the"
            f" training table holds texts such as {example!r}",
            self._as_text(),
        )

    def _as_text(self) -> str:
        return f"Read the column as text, such as with dtype={{{self.name!r}: str}}"

    def _cannot_tell(self, problem: str, remedy: str) -> DataError:
        return DataError(problem, where=f"column {self.name!r}", remedy=remedy)


def _is_single(series: pd.Series) -> bool:
    """Whether cells are floats of single precision, or less."""
    names = ("float32", "float16", "float[pyarrow]", "halffloat[pyarrow]")
    return str(getattr(series.dtype, "categories", series).dtype).lower() in names


def _holds_numbers(series: pd.Series) -> bool:
    """Whether a column, or some of its cells, are numbers or truth values, not text."""
    import pandas as pd

    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        kind = kind.categories.dtype
    if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
        return True
    if not pd.api.types.is_object_dtype(kind):
        return False
    return any(isinstance(value, int | float | np.number) for value in series.dropna())
