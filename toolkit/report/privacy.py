"""Which values of the table the report may show: those that enough rows share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.artifacts.base import COMMON
from toolkit.table.cells.values import MISSING

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Project

HIDDEN, RARE = "[not shown]", "[rare category]"

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|‘[^’]*’")
_ANY_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|“[^”]*”|‘[^’]*’")
_CONDITION = re.compile(r"((?:=|≠|\bis not|\bis) )([^=≠”]+?)(?= and |”|,|;|$)")
_FIGURES = re.compile(r"[-+\d.,:/% ]{1,12}")
_WORDS = {"none", "nan", "null", "unknown", "other", "missing"} | {
    "identifier", "feature", "ignore", "group", "time", "weight", "target", "number", "category",
    "boolean", "date", "text", "image", "stratified", "random", "apart", "together", "auto",
}  # fmt: skip
_CUT = (19, 20)
"""Lengths to which findings cut a value."""


@dataclass(frozen=True)
class Values:
    """The values of a table by whether they may be shown.

    Attributes
    ----------
    shown : set of str
        Names of columns, classes of the target, and categories that at least `COMMON` rows
        share, of columns that are shown.
    rare : set of str
        All others, of columns of categories, texts and identifiers.
    hidden : set of str
        Columns of which no value is shown: identifiers and free text.
    """

    shown: set[str] = field(default_factory=set)
    rare: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, project: Project, rows: pd.DataFrame | None) -> Values:
        """Look at the categories, texts and identifiers of a table."""
        hidden = {
            name
            for name, column in project.columns.items()
            if column.role == "identifier" or column.type == "text"
        }
        shown, rare = set(project.columns), set[str]()
        for name, column in project.columns.items():
            if rows is None or name not in rows or column.type not in ("category", "text"):
                continue
            counts = rows[name].value_counts()
            texts = counts.index.astype(str)
            if name == project.target.column:
                shown |= set(texts)
                continue
            enough = (counts >= COMMON).to_numpy() & (name not in hidden)
            shown |= set(texts[enough])
            rare |= set(texts[~enough])
        rare -= shown
        rare |= {text[:cut] for text in rare for cut in _CUT if len(text) > cut} - shown
        # A figure says nothing of whom it is, and would be taken out where it means a count.
        rare = {text for text in rare if text and not _FIGURES.fullmatch(text)}
        return cls(shown, rare, hidden)

    def finding(self, text: str, columns: Iterable[str], names: Iterable[str]) -> str:
        """Return the message of a check with only those quoted values that may be shown.

        Parameters
        ----------
        text : str
            The message.
        columns : iterable of str
            The columns that it is about: of hidden ones nothing quoted is shown.
        names : iterable of str
            Columns of the table, which may always be named.
        """
        if set(columns) & self.hidden:
            known = set(names)
            return _ANY_QUOTED.sub(lambda m: m[0] if m[0][1:-1] in known else HIDDEN, text)
        return _QUOTED.sub(lambda m: m[0] if self._may(m[0][1:-1]) else HIDDEN, text)

    def _may(self, quoted: str) -> bool:
        return (
            quoted in self.shown
            or quoted.casefold().strip() in _WORDS
            or quoted in MISSING
            or len(quoted) <= 2
            or _FIGURES.fullmatch(quoted) is not None
        )

    def sweep(self, found: Any) -> Any:
        """Return a part of the report without rare values, wherever one stands by itself."""
        if not self.rare:
            return found
        if isinstance(found, str):
            return self._text(found)
        if isinstance(found, Mapping):
            if found.get("type") == "quote":  # a person's own words
                return found
            return {key: self.sweep(value) for key, value in found.items()}
        if isinstance(found, list | tuple):
            return [self.sweep(value) for value in found]
        return found

    def _text(self, text: str) -> str:
        if text in self.rare or text.removeprefix("= ") in self.rare:
            return RARE
        text = _ANY_QUOTED.sub(lambda m: HIDDEN if m[0][1:-1] in self.rare else m[0], text)
        return _CONDITION.sub(lambda m: m[1] + (RARE if m[2] in self.rare else m[2]), text)
