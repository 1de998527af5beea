"""Rows known by what they hold, so that a decision finds its row in another table too."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 20_000  # rows turned into text at once: bounds the memory of a wide or long table


class RowIndex:
    """Finds rows by position or by content.

    Parameters
    ----------
    frame : pandas.DataFrame
        The typed table, label column included; a row's position is its identity.
    table_digest : str
        Digest of that table, as in `Intake`.

    Notes
    -----
    A key is the first 128 bits of the SHA-256 over the row's cells as text, by column name,
    and for the second and later rows with the same cells ``#1``, ``#2``. It does not depend
    on the order of columns or of different rows, nor on whether a whole number is held as
    a number or as text. It holds no cell, but whoever can guess a whole row can recognise it.
    """

    def __init__(self, frame: pd.DataFrame, table_digest: str) -> None:
        self.frame = frame
        self.table_digest = table_digest
        self._names = sorted(str(name) for name in frame.columns)
        self._known: dict[str, list[int]] | None = None
        self._keys: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def key(self, row: int) -> str:
        """Return the key of the row at a position."""
        if row not in self._keys:
            digest = next(self._digests(row, row + 1))
            copy = self._copies_before(row)
            self._keys[row] = f"{digest}#{copy}" if copy else digest
        return self._keys[row]

    def find(self, key: str) -> int | None:
        """Return the position of the row with a key, or None if no row holds these cells."""
        digest, _, copy = key.partition("#")
        rows = self._by_content().get(digest, [])
        number = int(copy) if copy.isdigit() else 0
        return rows[number] if number < len(rows) else None

    def _by_content(self) -> dict[str, list[int]]:
        if self._known is None:
            known = defaultdict(list)
            for start in range(0, len(self.frame), _BLOCK):
                stop = min(start + _BLOCK, len(self.frame))
                for row, digest in enumerate(self._digests(start, stop), start=start):
                    known[digest].append(row)
            self._known = dict(known)
        return self._known

    def _copies_before(self, row: int) -> int:
        # Rows that still agree get fewer column by column: far cheaper than hashing all.
        same = np.arange(row)
        for name in self._names:
            if not len(same):
                break
            values = self.frame[name]
            cell = _text(values.iloc[row])
            candidates = values.iloc[same]
            alike = candidates.isna() if cell is None else candidates == values.iloc[row]
            same = same[alike.to_numpy(dtype=bool, na_value=False)]
        return len(same)

    def _digests(self, start: int, stop: int) -> Iterator[str]:
        block = self.frame.iloc[start:stop]
        texts = [[_cell(name, value) for value in block[name]] for name in self._names]
        for cells in zip(*texts, strict=True):
            yield hashlib.sha256("".join(cells).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _cell(name: str, value: Any) -> str:
    text = _text(value)
    # Lengths make the text unambiguous whatever the cells hold.
    return f"{len(name)}:{name}=" + ("-" if text is None else f"{len(text)}:{text}")


def _text(value: Any) -> str | None:
    """Return a cell as text; None for a missing one."""
    if isinstance(value, bytes):
        return f"image {hashlib.sha256(value).hexdigest()}"
    if value is None or value != value or str(value) == "NaT":  # noqa: PLR0124 (NaN)
        return None
    if isinstance(value, float | np.floating):
        whole = float(value)
        return str(int(whole)) if whole.is_integer() and abs(whole) < 1e15 else repr(whole)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
