"""Free text: how long it is, what it is made of, and what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from toolkit.table.cells import values
from toolkit.table.features.steps import Arrays, Facts, StepColumn
from toolkit.table.features.topics import LEAST_SIZE, Topics, sampled, topic_columns, topic_parts

if TYPE_CHECKING:
    import pandas as pd

SIZE = 40
"""Directions kept of a text column, at most."""
ROWS_EACH = 100
"""Training rows for each direction: with few rows, many directions only invite overfitting."""
NGRAMS = {"word": (1, 2), "char_wb": (2, 4)}
TERMS = 10_000
"""The most terms kept of each analyser."""
FIT_TEXTS = 20_000
"""Distinct texts from which terms are learnt, at most."""
_SHAPE: dict[str, tuple[str, str]] = {
    "digits": (r"\p{Nd}", "share of digits"),
    "capitals": (r"\p{Lu}", "share of capital letters"),
    "punctuation": (r"[\p{P}\p{S}]", "share of punctuation and signs"),
    "beyond ASCII": (r"[^\x00-\x7F]", "share of characters beyond ASCII"),
}


@dataclass(frozen=True)
class TextComponents:
    """A text as its length, its mix of characters, and what it is about.

    Attributes
    ----------
    name : str
        The text column.
    topics : Topics or None
        None where no words repeat.
    """

    name: str
    topics: Topics | None
    kind: ClassVar[str] = "text"

    @classmethod
    def fit(cls, series: pd.Series, name: str, seed: int) -> Self:
        """Learn terms and directions from distinct texts."""
        texts = sampled(sorted(values.cells(series, ()).texts), FIT_TEXTS, seed)
        size = min(SIZE, max(LEAST_SIZE, len(series) // ROWS_EACH))
        topics = Topics.fit(texts, NGRAMS, size=size, terms=TERMS, seed=seed)
        return cls(name, topics)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that it reads."""
        return (self.name,)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        made = {
            "characters": StepColumn("number of characters"),
            "words": StepColumn("number of words"),
        }
        made |= {name: StepColumn(what) for name, (_, what) in _SHAPE.items()}
        if self.topics is not None:
            made |= topic_parts(self.topics)
        return made

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the numbers; of a missing text, shape is missing and topics are 0."""
        found = values.cells(frame[self.name], ())
        shape = _shape(found.texts)
        made = {name: found.spread(numbers, np.nan) for name, numbers in shape.items()}
        if self.topics is not None:
            made |= topic_columns(self.topics, found)
        return made

    def state(self) -> tuple[Facts, Arrays]:
        """Return name and topics."""
        if self.topics is None:
            return {"name": self.name, "topics": None}, {}
        facts, arrays = self.topics.state()
        return {"name": self.name, "topics": facts}, arrays

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        topics = facts["topics"]
        return cls(facts["name"], Topics.from_state(topics, arrays) if topics else None)


def _shape(texts: list[str]) -> dict[str, np.ndarray]:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(texts, pa.large_string())
    length = pc.utf8_length(array).to_numpy(zero_copy_only=False).astype("float64")

    def count(pattern: str) -> np.ndarray:
        found = pc.count_substring_regex(array, pattern)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype="float64")

    shares = {name: count(sign) / np.maximum(length, 1) for name, (sign, _) in _SHAPE.items()}
    return {"characters": length, "words": count(r"\S+")} | shares
