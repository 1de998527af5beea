"""What a table's columns hold, kept with a model so that rows from any reader score alike.

A reader may have converted cells before the model sees them: `pandas.read_csv` makes 1 of
``001``, true of ``TRUE`` and a missing value of the word ``None``. The schema knows how the
source spells them. It also says where rows are unlike those that the model was trained on.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from toolkit import canonical
from toolkit.errors import DataError
from toolkit.table import typed, values

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Column

FILE = "input_schema.json"
MOST_LEVELS = 50_000
"""With more levels than this, the schema does not list them."""
_MARGIN = 0.1
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
_EXACT = 2**53
# What pandas.read_csv takes for missing unless it is told otherwise.
_TAKEN_FOR_MISSING = frozenset(values.MISSING) - {"", "?"}
_Unit = Literal["s", "ms", "us", "ns"]
_UNITS: tuple[_Unit, ...] = ("s", "ms", "us", "ns")


@dataclass(frozen=True)
class ColumnSchema:
    """What one column of the training table held.

    Attributes
    ----------
    levels : list of str or None
        The levels of the training rows, sorted; None for other types, or where they are many.
    spellings : dict of str to list of str
        For each text that a reader's conversion leads to and that is not itself the one spelling
        in the table: the spellings that lead to it, such as ``1`` to ``001``.
    width : int or None
        Codes of digits that all have this length, some with leading zeros.
    irregular : bool
        Codes of digits of several lengths, some with leading zeros: a new one, once converted,
        has no known spelling.
    low, high : float or None
        The range of the training rows; dates in seconds since 1970.
    whole : bool
        Whether all numbers are whole.
    missing : bool
        Whether any row of the table lacks a value.
    """

    levels: list[str] | None = None
    spellings: dict[str, list[str]] = field(default_factory=dict)
    width: int | None = None
    irregular: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False
    missing: bool = False


@dataclass(frozen=True)
class InputSchema:
    """The columns that a model takes, as its training table held them."""

    columns: dict[str, Column]
    schemas: dict[str, ColumnSchema]

    @classmethod
    def learn(
        cls, table: pd.DataFrame, columns: Mapping[str, Column], training: np.ndarray[Any, Any]
    ) -> Self:
        """Return the schema of a typed table.

        Parameters
        ----------
        table : pandas.DataFrame
            All typed rows: how values are spelled is read off every one of them.
        columns : mapping of str to Column
            The feature columns.
        training : ndarray of int64
            Positions of the training rows, of which levels and ranges are kept.
        """
        schemas = {
            name: _learn(table[name], table[name].iloc[training], column)
            for name, column in columns.items()
        }
        return cls(dict(columns), schemas)

    def save(self, folder: Path) -> None:
        """Write `FILE`."""
        facts = {name: asdict(schema) for name, schema in self.schemas.items()}
        canonical.write_text(folder / FILE, canonical.dumps({"format": 1, "columns": facts}))

    @classmethod
    def load(cls, folder: Path, columns: Mapping[str, Column]) -> Self | None:
        """Return a schema that `save` wrote; None if there is none."""
        path = folder / FILE
        if not path.is_file():
            return None
        facts = json.loads(path.read_text(encoding="utf-8"))["columns"]
        return cls(dict(columns), {name: ColumnSchema(**facts[name]) for name in columns})

    def restore(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows with their cells spelled as the training table spells them.

        Parameters
        ----------
        frame : pandas.DataFrame
            The columns of the schema, of whatever types a reader gave them.

        Raises
        ------
        DataError
            Where a conversion cannot be undone, with the column and how to read it.
        """
        restored = {
            name: _Restoring(name, frame[name], column, self.schemas[name]).run()
            for name, column in self.columns.items()
        }
        import pandas as pd

        return pd.DataFrame(restored, index=frame.index)

    def unusual(self, raw: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
        """Return where rows are unlike those of the training table.

        Parameters
        ----------
        raw : pandas.DataFrame
            The rows as `restore` returned them.
        frame : pandas.DataFrame
            The same rows, typed.

        Returns
        -------
        pandas.DataFrame
            A line for each column and finding: ``column``, ``finding`` (unseen level, outside
            the training range, not readable as the column's type, missing though it never was),
            ``rows``, ``share`` of all rows, ``examples``; the largest share first.
        """
        import pandas as pd

        lines = []
        for name, column in self.columns.items():
            for finding, rows in _findings(raw[name], frame[name], column, self.schemas[name]):
                count = int(rows.sum())
                if count:
                    cells = raw[name].to_numpy(dtype=object)[rows]
                    lines.append((name, finding, count, count / len(frame), _examples(cells)))
        names = ["column", "finding", "rows", "share", "examples"]
        table = pd.DataFrame(lines, columns=names)
        return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


# -- learning --------------------------------------------------------------------------


def _learn(whole: pd.Series, training: pd.Series, column: Column) -> ColumnSchema:
    missing = bool(whole.isna().any())
    if column.type in ("number", "date"):
        return _range(training, missing)
    if column.type not in ("category", "boolean"):
        return ColumnSchema(missing=missing)
    known = values.cells(training, ()).texts
    texts = values.cells(whole, ()).texts
    digits = [text for text in texts if text.isdecimal()]
    padded = any(text.startswith("0") and len(text) > 1 for text in digits)
    widths = {len(text) for text in digits}
    return ColumnSchema(
        levels=sorted(known) if len(known) <= MOST_LEVELS else None,
        spellings=_spellings(texts, column.missing or ()),
        width=widths.pop() if padded and len(widths) == 1 else None,
        irregular=padded and len(widths) > 1,
        missing=missing,
    )


def _range(training: pd.Series, missing: bool) -> ColumnSchema:
    numbers = _as_numbers(training)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return ColumnSchema(missing=missing)
    return ColumnSchema(
        low=float(known.min()),
        high=float(known.max()),
        whole=bool(np.all(known == np.round(known))),
        missing=missing,
    )


def _as_numbers(series: pd.Series) -> np.ndarray[Any, Any]:
    """Return numbers as they are, and dates in seconds since 1970."""
    if series.dtype.kind != "M":
        numbers: np.ndarray[Any, Any] = series.to_numpy(dtype="float64")
        return numbers
    moments = series.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype("int64") / 1e6)


def _spellings(texts: list[str], absent: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for text in [*texts, *absent]:
        for key in _converted(text):
            found.setdefault(key, set()).add(text)
    gaps = [text for text in texts if text in _TAKEN_FOR_MISSING]
    if gaps:
        found[""] = set(gaps)
    return {key: sorted(of) for key, of in sorted(found.items()) if of != {key}}


def _converted(text: str) -> set[str]:
    """Return what a text reads after a reader took it for a number."""
    keys = {text}
    if _NUMBER.fullmatch(text):
        keys.add(_key(float(text)))  # a gap in the column makes whole numbers floats
        if _WHOLE.fullmatch(text):
            keys.add(str(int(text)))
    return keys


def _key(number: float) -> str:
    """Return a number as text, to as many digits as every reader agrees upon."""
    whole = number.is_integer() and abs(number) < _EXACT
    return str(int(number)) if whole else f"{number:.15g}" if abs(number) < _EXACT else repr(number)


# -- restoring -------------------------------------------------------------------------


@dataclass
class _Restoring:
    """One column on its way back to the spelling of the training table."""

    name: str
    series: pd.Series
    column: Column
    schema: ColumnSchema

    def run(self) -> pd.Series:
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
        if not _holds_numbers(self.series) or layout in ("excel", "unix", "unix-ms"):
            return self.series
        if layout and re.fullmatch(r"(%[dmyYHMS])+", layout):
            width = len(np.datetime64("2000-01-01").astype(object).strftime(layout))
            return self._mapped(lambda text: text.zfill(width) if text.isdecimal() else text)
        numbers = pd.to_numeric(self.series, errors="coerce").to_numpy(dtype="float64")
        unit = self._unit(numbers[np.isfinite(numbers)])
        if unit is None:
            return self.series
        return pd.to_datetime(pd.Series(numbers, index=self.series.index), unit=unit)

    def _unit(self, numbers: np.ndarray[Any, Any]) -> _Unit | None:
        low, high = _widened(self.schema)
        if low is None or high is None or not len(numbers):
            return None
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

        codes, distinct = pd.factorize(self.series.array, use_na_sentinel=True)
        texts: list[str | None] = []
        for value in distinct:
            text = values.cell_text(value)
            if isinstance(value, float | np.floating):
                number = float(value)
                text = _key(number) if abs(number) < _EXACT else self._nearest(number)
            texts.append(text if text is None else spell(values.label_text(text.strip())))
        spelled = np.array([*texts, None], dtype=object)[codes]
        return pd.Series(spelled, index=self.series.index, dtype="str")

    def _nearest(self, number: float) -> str:
        """Return the long number of the table that a float stands for, which has lost digits."""
        near = 4 * float(
            np.spacing(abs(number))
        )  # readers may miss by some units in the last place
        found = {
            spelling
            for key, spellings in self.schema.spellings.items()
            if len(key) > 15 and abs(float(key) - number) <= near
            for spelling in spellings
        }
        if len(found) > 1:
            raise self._ambiguous(values.cell_text(number) or "", sorted(found))
        if not found:
            raise self._cannot_tell(
                f"{number:.0f} was read as a decimal number and may have lost digits",
                self._as_text(),
            )
        return found.pop()

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
        example = next(iter(sorted(levels)), "")
        raise self._cannot_tell(
            f"{moments.dropna().iloc[0] if moments.notna().any() else 'it'} is a date, and the"
            f" training table holds texts such as {example!r}",
            self._as_text(),
        )

    def _as_text(self) -> str:
        return f"Read the column as text, such as with dtype={{{self.name!r}: str}}"

    def _cannot_tell(self, problem: str, remedy: str) -> DataError:
        return DataError(problem, where=f"column {self.name!r}", remedy=remedy)


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


# -- unusual rows ----------------------------------------------------------------------


def _findings(
    raw: pd.Series, typed_cells: pd.Series, column: Column, schema: ColumnSchema
) -> list[tuple[str, np.ndarray[Any, Any]]]:
    empty = typed_cells.isna().to_numpy()
    if column.type in ("text", "image"):
        return []
    blank = empty & _blank(raw, column)
    found = [(f"not readable as {column.type}", empty & ~blank)]
    if not schema.missing:
        found.append(("missing, though it never was", blank))
    if column.type in ("category", "boolean"):
        if schema.levels is not None:
            known = typed_cells.isin(schema.levels).to_numpy()
            found.append(("unseen level", ~empty & ~known))
        return found
    low, high = _widened(schema)
    if low is not None and high is not None:
        numbers = _as_numbers(typed_cells)
        with np.errstate(invalid="ignore"):
            outside = (numbers < low) | (numbers > high)
        found.append((f"outside {_shown(schema, column)}", outside))
    return found


def _widened(schema: ColumnSchema) -> tuple[float | None, float | None]:
    if schema.low is None or schema.high is None:
        return None, None
    margin = _MARGIN * (schema.high - schema.low)
    return schema.low - margin, schema.high + margin


def _shown(schema: ColumnSchema, column: Column) -> str:
    ends = (schema.low, schema.high)
    if column.type == "date":
        days = [str(np.datetime64(int(end or 0), "s").astype("datetime64[D]")) for end in ends]
        return f"{days[0]} to {days[1]}"
    return f"{ends[0]:.6g} to {ends[1]:.6g}"


def _blank(raw: pd.Series, column: Column) -> np.ndarray[Any, Any]:
    """Whether a cell is missing, or spells that it is."""
    if raw.dtype.kind in "fMm":
        blank: np.ndarray[Any, Any] = raw.isna().to_numpy()
        return blank
    return values.cells(raw, column.missing).codes < 0


def _examples(cells: np.ndarray[Any, Any], most: int = 3) -> str:
    texts = dict.fromkeys(str(values.cell_text(cell))[:30] for cell in cells[:1000])
    return ", ".join(map(repr, list(texts)[:most]))
