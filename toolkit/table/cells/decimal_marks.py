"""Decimal and thousands marks: what a column's cells prove, and what the whole table does.

``1.025`` is 1025 or a little more than one. A cell such as ``0,5`` or ``1.234.567`` proves which
mark is which; where no cell does, the numbers without a mark beside it often tell, and then the
other columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from toolkit.table.cells import amounts, values

if TYPE_CHECKING:
    import pandas as pd

Mark = Literal[".", ","]

_NUMBER = re.compile(r"[^\d.,]*(?P<bare>[.,]?\d(?:[\d.,\s'’]*\d)?)(?P<exponent>[eE][+-]?\d)?[^\d]*")
_THREE = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_GROUPS = re.compile(r"[1-9]\d{0,2}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})+")
_ENOUGH = 2_000
_FEW = 20


@dataclass
class MarkEvidence:
    """What cells show of their marks.

    Attributes
    ----------
    proved : Counter
        Cells that can only be read with this decimal mark.
    open : list of str
        Cells such as ``1.025``, in which the mark can be either.
    whole : list of float
        Numbers without a mark, other than zero.
    """

    proved: Counter[Mark] = field(default_factory=Counter)
    open: list[str] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Take one cell into account."""
        found = _NUMBER.fullmatch(text)
        if not found:
            return
        bare, exponent = found["bare"], found["exponent"]
        points, commas = bare.count("."), bare.count(",")
        if not points and not commas:
            number = float(re.sub(r"[\s'’]", "", bare))
            if number:
                self.whole.append(number)
        elif points and commas:
            last: Mark = "." if bare.rfind(".") > bare.rfind(",") else ","
            if bare.count(last) == 1:
                self.proved[last] += 1
        elif points + commas > 1:
            if _GROUPS.fullmatch(bare):
                self.proved["," if points else "."] += 1
        elif _THREE.fullmatch(bare) and not exponent:
            self.open.append(bare)
        else:
            self.proved["." if points else ","] += 1

    @property
    def mark(self) -> Mark | None:
        """The decimal mark that is proved, by the more cells."""
        if self.proved["."] == self.proved[","]:
            return None
        return "." if self.proved["."] > self.proved[","] else ","


def evidence(texts: Iterable[str]) -> MarkEvidence:
    """Return what texts prove; ends early once thousands agree."""
    found = MarkEvidence()
    for place, text in enumerate(texts, 1):
        found.add(text)
        if place % _ENOUGH == 0 and len(+found.proved) == 1:
            break
    return found


@dataclass(frozen=True)
class MarkReading:
    """How a column's marks are read.

    Attributes
    ----------
    mark : str
        The decimal mark.
    reason : str
        Why, for people; empty where it goes without saying.
    doubtful : bool
        Whether the other reading is possible.
    example : str
        A cell that the two readings take differently; empty if there is none.
    """

    mark: Mark
    reason: str = ""
    doubtful: bool = False
    example: str = ""

    @property
    def other(self) -> Mark:
        """The other mark."""
        return "," if self.mark == "." else "."


def read_marks(texts: list[str], table: TableMarks) -> MarkReading:
    """Return how a column's marks are read: by its own cells, then by the other columns."""
    found = evidence(text for text in texts if "." in text or "," in text)
    if found.mark:
        why = "" if found.mark == table.decimal else "other cells prove it"
        return MarkReading(found.mark, why)
    if not found.open:
        return MarkReading(table.decimal)
    for text in texts:
        if "." not in text and "," not in text:
            found.add(text)
    return _open(found, table)


def _open(found: MarkEvidence, table: TableMarks) -> MarkReading:
    example = found.open[0]
    sign: Mark = "." if "." in example else ","
    other: Mark = "," if sign == "." else "."
    seen = _by_size(found, sign)
    usual = table.proved or table.decimal
    if seen is None:
        # A comma-separated table without other evidence is read as most such tables are.
        doubtful = table.proved is None and not (usual == "." and table.delimiter == ",")
        why = "other columns prove it" if table.proved else f"the table's mark is {usual!r}"
        return MarkReading(usual, "" if usual == "." and not doubtful else why, doubtful, example)
    mark, why = (sign, _DECIMALS) if seen == "decimals" else (other, _THOUSANDS)
    if mark == usual:
        return MarkReading(mark, why if usual == "," else "", False, example)
    if usual == "." and sign == "," and (table.proved or table.delimiter == ","):
        return MarkReading(usual)  # counts such as 3, 7 and 1,204 are usual
    if table.proved:
        # Two pieces of evidence against each other.
        return MarkReading(usual, f"though {why}", True, example)
    return MarkReading(mark, why, usual == "." or max(found.whole) >= 1000, example)


_THOUSANDS = "its numbers without a mark end below 1,000"
_DECIMALS = "its numbers without a mark have no thousands either"


def _by_size(found: MarkEvidence, sign: Mark) -> Literal["thousands", "decimals"] | None:
    """Tell thousands from decimals by the numbers beside them that bear no mark."""
    if not found.whole:
        return None
    highest = max(found.whole)
    if highest >= 1000:
        # Whoever groups digits does so in all large numbers.
        return "decimals" if sign == "." else None
    if highest >= 100:
        return "thousands"
    decimals = [float(text.replace(",", ".")) for text in found.open]
    if highest < 10 and min(decimals) < 10 and len(decimals) < _FEW:
        return "decimals"
    # Of many decimals with their last zeros cut off, some would be shorter than three digits.
    return "thousands" if len(decimals) >= _FEW else None


@dataclass
class TableMarks:
    """What the columns of a table show together; looked at only when one column leaves it open.

    Attributes
    ----------
    frame : pandas.DataFrame
        Raw cells.
    decimal : str
        The decimal mark by which the table was taken.
    delimiter : str or None
        What parts its fields, where it is a text file.
    """

    frame: pd.DataFrame
    decimal: Mark
    delimiter: str | None = ","

    @cached_property
    def proved(self) -> Mark | None:
        """The decimal mark that cells of any column prove."""
        total: Counter[Mark] = Counter()
        for place in range(self.frame.shape[1]):
            texts = self._texts(place)
            numbers = [t for t in texts[:_ENOUGH] if _amount(t)]
            if len(numbers) >= 0.5 * len(texts[:_ENOUGH]) and numbers:
                total += evidence(t for t in texts if _amount(t)).proved
        if total["."] == total[","]:
            return None
        return "." if total["."] > total[","] else ","

    def numbers_say(self, word: str) -> bool:
        """Whether a column of numbers or dates spells a gap with this word."""
        return word in self._gaps

    @cached_property
    def _gaps(self) -> frozenset[str]:
        found: set[str] = set()
        words = set(values.MISSING)
        for place in range(self.frame.shape[1]):
            texts = self._texts(place)
            here = words.intersection(texts)
            rest = [text for text in texts if text not in words][:_FEW]
            if here and rest and all(re.match(r"[+-]?[.,]?\d", text) for text in rest):
                found |= here
        return frozenset(found)

    def _texts(self, place: int) -> list[str]:
        import pandas as pd

        series = self.frame.iloc[:, place]
        if not (
            pd.api.types.is_object_dtype(series.dtype) or isinstance(series.dtype, pd.StringDtype)
        ):
            return []
        return [] if _holds_bytes(series) else values.cells(series, ()).texts


def _holds_bytes(series: pd.Series) -> bool:
    first = series.first_valid_index()
    return first is not None and isinstance(series.loc[first], bytes)


def _amount(text: str) -> bool:
    return amounts.amount(text, ".") is not None
