"""Categories: rare and unseen levels in one, and what the names of many levels tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from toolkit.table.cells import values
from toolkit.table.features.steps import SELF, Arrays, Facts, StepColumn
from toolkit.table.features.topics import LEAST_SIZE, Topics, sampled, topic_columns, topic_parts

if TYPE_CHECKING:
    import pandas as pd

MANY = 40
"""With more levels than this, numbers are made of their names and frequency too."""
LEAST = (2, 5)
"""A level with fewer training rows is rare: 2 in small tables, 5 from 1,000 rows on."""
_ROWS_EACH = 200
FIT_LEVELS = 20_000
"""Distinct levels from which n-grams are learnt, at most."""
NGRAMS = {"char_wb": (2, 4)}
SIZE = 10
TERMS = 5_000
_DIGITS = re.compile(r"[0-9]{1,15}")
_CODED = 0.5


@dataclass(frozen=True)
class Levels:
    """Which levels of a category are told apart; all others are one.

    Attributes
    ----------
    known : list of str
        Levels, sorted.
    rare : str or None
        What stands for rare levels and those never seen; None where training had no rare
        level: what was never seen is then missing.
    least : int
        Training rows that a level needs to be told apart.
    """

    known: list[str]
    rare: str | None
    least: int

    @classmethod
    def fit(cls, found: values.Cells) -> Self:
        """Learn the levels and which are rare."""
        least = int(np.clip(len(found.codes) // _ROWS_EACH, *LEAST))
        pairs = zip(found.texts, found.counts.tolist(), strict=True)
        known = sorted(text for text, count in pairs if count >= least)
        rare = "(rare)"
        while rare in found.texts:
            rare += "_"
        return cls(known, rare if len(known) < len(found.texts) else None, least)

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self.known)

    def __call__(self, found: values.Cells) -> pd.Series:
        """Return the column of levels."""
        return found.relabel([t if t in self._set else self.rare for t in found.texts])

    def facts(self) -> Facts:
        """Return levels and what stands for the rest."""
        return {"known": self.known, "rare": self.rare, "least": self.least}


@dataclass(frozen=True)
class Category:
    """A category; where it has many levels, also numbers that tell which are alike.

    Attributes
    ----------
    name : str
        The column.
    levels : Levels
        What the category keeps.
    many : bool
        Whether the numbers are made.
    common : dict of str to int
        Training rows of levels that have more than one.
    prefixes : Levels or None
        Codes such as ``C85``: what stands before the longest run of digits.
    topics : Topics or None
        How alike the names of levels are.
    """

    name: str
    levels: Levels
    many: bool = False
    common: dict[str, int] | None = None
    prefixes: Levels | None = None
    topics: Topics | None = None
    kind: ClassVar[str] = "category"

    @classmethod
    def fit(cls, series: pd.Series, name: str, seed: int) -> Self:
        """Learn from all rows."""
        found = values.cells(series, ())
        levels = Levels.fit(found)
        if len(found.texts) <= MANY:
            return cls(name, levels)
        counts = found.counts.tolist()
        pairs = sorted(zip(found.texts, counts, strict=True))
        texts = sampled([text for text, _ in pairs], FIT_LEVELS, seed)
        coded = np.mean([_DIGITS.search(text) is not None for text in texts]) >= _CODED
        size = min(SIZE, max(LEAST_SIZE, len(series) // _ROWS_EACH))
        return cls(
            name,
            levels,
            True,
            {text: count for text, count in pairs if count > 1},
            Levels.fit(_prefixes(found)) if coded else None,
            Topics.fit(texts, NGRAMS, size=size, terms=TERMS, seed=seed),
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that it reads."""
        return (self.name,)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        rest = "missing" if self.levels.rare is None else self.levels.rare
        facts = {"levels": len(self.levels.known), "least_rows": self.levels.least, "rest": rest}
        made = {SELF: StepColumn("rare levels and those never seen are one", facts)}
        if not self.many:
            return made
        made["frequency"] = StepColumn("logarithm of the training rows with the level")
        if self.prefixes is not None:
            facts = {"levels": len(self.prefixes.known)}
            made["prefix"] = StepColumn("what stands before the digits", facts)
            made["number"] = StepColumn("the longest run of digits")
        if self.topics is not None:
            made |= topic_parts(self.topics)
        return made

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the category, and its numbers; missing stays missing."""
        found = values.cells(frame[self.name], ())
        made: dict[str, Any] = {SELF: self.levels(found)}
        if not self.many:
            return made
        common = self.common or {}
        # A level never seen counts like one seen once: training rows have no zeros.
        rows = np.array([common.get(text, 1) for text in found.texts], dtype="float64")
        made["frequency"] = found.spread(np.log(rows), np.nan)
        if self.prefixes is not None:
            made["prefix"] = self.prefixes(_prefixes(found))
            made["number"] = found.spread(np.array([_number(t) for t in found.texts]), np.nan)
        if self.topics is not None:
            made |= topic_columns(self.topics, found)
        return made

    def state(self) -> tuple[Facts, Arrays]:
        """Return levels, counts and topics."""
        facts: Facts = {"name": self.name, "many": self.many, "levels": self.levels.facts()}
        facts["common"] = self.common
        facts["prefixes"] = None if self.prefixes is None else self.prefixes.facts()
        facts["topics"], arrays = (None, {}) if self.topics is None else self.topics.state()
        return facts, arrays

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        prefixes, topics = facts["prefixes"], facts["topics"]
        return cls(
            facts["name"],
            Levels(**facts["levels"]),
            facts["many"],
            facts["common"],
            Levels(**prefixes) if prefixes else None,
            Topics.from_state(topics, arrays) if topics else None,
        )


def _digits(text: str) -> re.Match[str] | None:
    return max(_DIGITS.finditer(text), key=lambda run: len(run.group()), default=None)


def _number(text: str) -> float:
    run = _digits(text)
    return float(run.group()) if run else np.nan


def _prefixes(found: values.Cells) -> values.Cells:
    """Return what stands before the longest run of digits; ``(none)`` where nothing does."""
    place: dict[str, int] = {}
    codes = []
    for text in found.texts:
        run = _digits(text)
        prefix = (text[: run.start()] if run else text).strip() or "(none)"
        codes.append(place.setdefault(prefix, len(place)))
    return values.Cells(list(place), np.array([*codes, -1], dtype="int64")[found.codes])
