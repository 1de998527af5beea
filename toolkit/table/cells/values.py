"""Cells: from whatever a source holds to text, numbers, dates; each cell on its own.

Nothing here looks at other rows, so a single row scored later is read exactly as it
was in training.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.table.cells import amounts

if TYPE_CHECKING:
    import pandas as pd

MISSING = (
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
    "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null",
)  # fmt: skip
"""Spellings of a missing value: those of `pandas.read_csv`, and the question mark.

Following pandas means that rows read with it are scored like the source's own.
"""

TRUE_WORDS = frozenset(["1", "true", "t", "yes", "y", "on", "ja", "oui", "si", "sí", "sim", "да"])
FALSE_WORDS = frozenset(["0", "false", "f", "no", "n", "off", "nein", "non", "não", "nao", "нет"])

_WHOLE_FLOAT = re.compile(r"(-?\d+)\.0+")
RESPELLED = r"\.0+$|^(?:true|TRUE|false|FALSE)$"
"""Without a match of this, `label_text` changes nothing (in RE2's syntax)."""
_TYPED = re.compile(r"-?(inf|\d+(\.\d+)?(e[+-]?\d+)?)|\d{4}-\d\d-\d\d.*|True|False", re.S)
"""What a number, a moment or a truth of a typed source can be as a text."""
_GUARDED = re.compile(r"='?\"(?P<formula>[^\"]*)\"|'+(?P<text>[-+=@]?[\d.,][\d.,\s]*%?|=.*)", re.S)


@dataclass(frozen=True)
class Cells:
    """A column's cells, each distinct text kept once.

    Attributes
    ----------
    distinct : list of str, pyarrow.Array, numpy.ndarray or pandas.DatetimeIndex
        Distinct cells in order of first appearance: texts without spaces around them, or the
        numbers and moments of a typed source, which become texts only where they are asked for.
    codes : ndarray of int64, shape (n,)
        Position in `distinct`; -1 is missing.
    numeric : bool
        Whether the source holds numbers, not texts.
    """

    distinct: Any
    codes: np.ndarray
    numeric: bool = False

    def __len__(self) -> int:
        """How many texts differ."""
        return len(self.distinct)

    @functools.cached_property
    def texts(self) -> list[str]:
        """The distinct cells as texts."""
        return self.head(len(self.distinct))

    @functools.cached_property
    def words(self) -> Any:
        """The distinct cells as an Arrow array of texts."""
        import pyarrow as pa

        if isinstance(self.distinct, pa.Array):
            return self.distinct
        if isinstance(self.distinct, np.ndarray) and self.distinct.dtype.kind in "iu":
            return pa.array(self.distinct).cast(pa.large_string())
        return pa.array(self.texts, pa.large_string())

    @functools.cached_property
    def counts(self) -> np.ndarray:
        """Rows by distinct text."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self))

    @property
    def missing(self) -> int:
        """How many rows are missing."""
        return int((self.codes < 0).sum())

    def head(self, size: int) -> list[str]:
        """Return the first distinct texts; no others are made."""
        first = self.distinct[:size]
        if isinstance(first, list):
            return first
        found = first.tolist()  # of arrays of numpy, Arrow and pandas alike
        return found if self._of_texts else [str(cell_text(value)) for value in found]

    @property
    def _of_texts(self) -> bool:
        import pyarrow as pa

        return isinstance(self.distinct, pa.Array)

    def numbers(self) -> np.ndarray | None:
        """Return float64 if all cells are numbers as computers write them, else None."""
        if isinstance(self.distinct, np.ndarray):
            return self.distinct.astype("float64")
        return plain_numbers(self.words)

    def held(self, pattern: str) -> list[str]:
        """Return the texts in which a pattern of RE2 is found: few, to be looked at closely."""
        return self.words.filter(self.like(pattern)).to_pylist()

    def like(self, pattern: str) -> np.ndarray:
        """Return for each text whether a pattern of RE2 is found in it."""
        import pyarrow.compute as pc

        found: np.ndarray = pc.match_substring_regex(self.words, pattern).to_numpy(
            zero_copy_only=False
        )
        return found

    def spread(self, values: np.ndarray, fill: Any) -> np.ndarray:
        """Give each row the value of its text, and `fill` to missing rows."""
        return np.append(values, np.array([fill], dtype=values.dtype))[self.codes]

    def relabel(self, texts: Any) -> pd.Series:
        """Return a string column with other texts in place of the distinct ones."""
        import pandas as pd
        import pyarrow as pa

        codes = pa.array(self.codes, mask=self.codes < 0)
        column = pa.array(texts, pa.large_string()).take(codes)
        return pd.Series(column.to_pandas().astype("str"))


def cells(series: pd.Series, missing: tuple[str, ...] | list[str] | None = None) -> Cells:
    """Return a column's cells as text.

    Parameters
    ----------
    series : pandas.Series
        Of any type.
    missing : sequence of str, optional
        Spellings that mean missing; the empty text always does. `MISSING` by default.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    spellings = ["", *(MISSING if missing is None else missing)]
    kind = series.dtype
    numeric = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
    if not any(map(_TYPED.fullmatch, spellings)):
        typed = _typed(series)
        if typed is not None:
            return Cells(typed[1], typed[0].astype(np.int64), numeric)
    encoded = _as_arrow(series).dictionary_encode()
    texts = _unguarded(pc.utf8_trim_whitespace(encoded.dictionary))
    absent = pa.array(spellings, pa.large_string())
    texts = pc.if_else(pc.is_in(texts, value_set=absent), None, texts)
    if texts.equals(encoded.dictionary):
        return Cells(texts, _codes(encoded.indices), numeric)
    # Trimming may have made some equal, and some missing: number them again.
    again = texts.dictionary_encode()
    moved = np.append(_codes(again.indices), -1)
    return Cells(again.dictionary, moved[_codes(encoded.indices)], numeric)


def _typed(series: pd.Series) -> tuple[np.ndarray, Any] | None:
    """Return codes and distinct values of numbers, moments and truths; None for other types.

    Different values of one such type are different texts, and none of them is trimmed.
    """
    import pandas as pd

    kind = series.dtype
    if isinstance(kind, np.dtype) and kind.kind == "f" and kind.itemsize >= 4:
        return pd.factorize(series.to_numpy(dtype="float64"))
    if isinstance(kind, np.dtype) and kind.kind in "iu":
        return pd.factorize(series.to_numpy())
    if isinstance(kind, np.dtype | pd.DatetimeTZDtype) and kind.kind == "M":
        codes, moments = pd.factorize(series)
        return codes, pd.DatetimeIndex(moments)
    if kind in ("bool", "boolean"):
        codes, truths = pd.factorize(series)
        return codes, [str(bool(value)) for value in truths]
    if str(kind) in ("Int64", "Int32", "Int16", "Int8", "UInt64", "UInt32", "UInt16", "UInt8"):
        codes, whole = pd.factorize(series)
        return codes, whole.to_numpy(dtype=str(kind).lower())
    return None


def _unguarded(texts: Any) -> Any:
    """Take away what spreadsheets put before a cell to keep it text: ``'-5``, ``="001"``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    guarded = pc.or_(pc.starts_with(texts, "'"), pc.starts_with(texts, "="))
    if not pc.any(guarded).as_py():
        return texts
    return pa.array([text and _bare(text) for text in texts.to_pylist()], pa.large_string())


def _bare(text: str) -> str:
    match = _GUARDED.fullmatch(text)
    if match is None:
        return text
    return _bare((match["text"] if match["formula"] is None else match["formula"]).strip())


def _codes(indices: Any) -> np.ndarray:
    import pyarrow.compute as pc

    codes: np.ndarray = pc.fill_null(indices, -1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64)


def _as_arrow(series: pd.Series) -> Any:
    import pandas as pd
    import pyarrow as pa

    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        of_texts = isinstance(kind.categories.dtype, pd.StringDtype)
        series = series.astype(kind.categories.dtype if of_texts else object)
        kind = series.dtype
    if isinstance(kind, pd.StringDtype) or pd.api.types.is_integer_dtype(kind):
        return _whole(pa.array(series, from_pandas=True)).cast(pa.large_string())
    if pd.api.types.is_float_dtype(kind):
        numbers = series.to_numpy(dtype="float64", na_value=np.nan)
        distinct, codes = np.unique(numbers, return_inverse=True)
        names = pa.array([cell_text(value) for value in distinct.tolist()], pa.large_string())
        return names.take(pa.array(codes))
    words = _words(series) if pd.api.types.is_object_dtype(kind) else None
    if words is not None:
        return words
    texts = [cell_text(value) for value in series.astype(object).tolist()]
    return pa.array(texts, pa.large_string())


def _words(series: pd.Series) -> Any:
    """Return objects that are all texts or nothing as an Arrow array; None if others are there."""
    import decimal

    import pyarrow as pa

    try:
        array = _whole(pa.array(series, from_pandas=True))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return None
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return None
    if array.null_count:
        gaps = series.to_numpy()[array.is_null().to_numpy(zero_copy_only=False)]
        if any(isinstance(value, decimal.Decimal) for value in gaps):
            return None
    return array.cast(pa.large_string())


def _whole(array: Any) -> Any:
    import pyarrow as pa

    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def cell_text(value: Any) -> str | None:
    """Return one cell as text; None if it is missing. Whole floats lose their ``.0``."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "True" if value else "False"
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return None
        whole = number.is_integer() and abs(number) < 2**53
        return str(int(number)) if whole else repr(number)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return None if text in ("NaT", "<NA>") else text


def label_text(text: str) -> str:
    """Return a category's text in one spelling: ``1.0`` is ``1``, ``TRUE`` is ``True``.

    Spreadsheets and pandas turn codes into floats and logical words into booleans; both
    ways of reading must give the same category.
    """
    if text in ("true", "TRUE"):
        return "True"
    if text in ("false", "FALSE"):
        return "False"
    whole = _WHOLE_FLOAT.fullmatch(text)
    return whole.group(1) if whole else text


def numbers(
    texts: list[str], decimal: str = ".", unit: str | None = None, *, multiples: bool = False
) -> np.ndarray:
    """Return float64 for texts; NaN for what is no finite number.

    Understands thousands separators (the Indian ones too), currencies, per cent signs (``12 %``
    is 12), the typographic minus, a minus behind, brackets for negative amounts, footnote marks,
    and the digits of other scripts.

    Parameters
    ----------
    texts : list of str
        Cells.
    decimal : str
        The decimal mark.
    unit : str, optional
        The one unit that may stand in a cell; any currency and ``%`` by default.
    multiples : bool
        Whether ``k``, ``M``, ``bn`` and the like after a number multiply it.
    """
    result = plain_numbers(texts) if decimal == "." else None
    if result is None:
        read = amounts.number
        result = np.array([read(t, decimal, unit, multiples=multiples) for t in texts], "float64")
    result[~np.isfinite(result)] = np.nan
    return result


def written_numbers(series: pd.Series) -> np.ndarray | None:
    """Return float64 for texts that are missing, or all numbers as computers write them.

    Quicker than `cells` where most texts differ; None where some cell needs a closer look.
    """
    import pandas as pd

    return plain_numbers(_as_arrow(series)) if isinstance(series.dtype, pd.StringDtype) else None


def plain_numbers(texts: Any) -> np.ndarray | None:
    """Return float64 for texts (a list, or Arrow's array of them) that are all numbers as
    computers write them, else None.
    """
    import pyarrow as pa

    words = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    try:
        found: np.ndarray = words.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return found.copy()
