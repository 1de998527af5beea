"""What a table's columns hold, kept with a model so that rows from any reader score alike.

A reader may have converted cells before the model sees them: `pandas.read_csv` makes 1 of
``001``, true of ``TRUE`` and a missing value of the word ``None``. The schema knows how the
source spells them. It also says where rows are unlike those that the model was trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from toolkit import canonical
from toolkit.table.cells import amounts, values
from toolkit.table.schema.column_schema import ColumnSchema
from toolkit.table.schema.input_findings import UNSEEN, as_numbers, examples, findings
from toolkit.table.schema.input_spelling import Restoring, number_key

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column

FILE = "input_schema.json"
MOST_LEVELS = 50_000
"""With more levels than this, the schema does not list them."""
_WHOLE = re.compile(r"[+-]?\d+")
# What pandas.read_csv takes for missing unless it is told otherwise.
_TAKEN_FOR_MISSING = frozenset(values.MISSING) - {"", "?"}


@dataclass(frozen=True)
class InputSchema:
    """The columns that a model takes, as its training table held them."""

    columns: dict[str, Column]
    schemas: dict[str, ColumnSchema]

    @classmethod
    def learn(
        cls, table: pd.DataFrame, columns: Mapping[str, Column], training: np.ndarray
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
            name: Restoring(name, frame[name], column, self.schemas[name]).run()
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
            ``rows``, ``share`` of all rows, ``expected`` share in further rows of the training
            table's source, ``examples``; the largest share first.
        """
        import pandas as pd

        lines = []
        for name, column in self.columns.items():
            for finding, rows in findings(raw[name], frame[name], column, self.schemas[name]):
                count = int(rows.sum())
                if count:
                    cells = raw[name].to_numpy(dtype=object)[rows]
                    expected = self.schemas[name].rare if finding == UNSEEN else 0.0
                    share = count / len(frame)
                    lines.append((name, finding, count, share, expected, examples(cells)))
        names = ["column", "finding", "rows", "share", "expected", "examples"]
        table = pd.DataFrame(lines, columns=names)
        return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _learn(whole: pd.Series, training: pd.Series, column: Column) -> ColumnSchema:
    missing = bool(whole.isna().any())
    if column.type in ("number", "date"):
        return _range(training, missing)
    if column.type not in ("category", "boolean"):
        return ColumnSchema(missing=missing)
    trained = values.cells(training, ())
    known = trained.texts
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
        rare=float((trained.counts == 1).sum() / max(len(training), 1)),
    )


def _range(training: pd.Series, missing: bool) -> ColumnSchema:
    numbers = as_numbers(training)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return ColumnSchema(missing=missing)
    return ColumnSchema(
        low=float(known.min()),
        high=float(known.max()),
        whole=bool(np.all(known == np.round(known))),
        missing=missing,
    )


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
    if amounts.PLAIN.fullmatch(text):
        keys.add(number_key(float(text)))  # a gap in the column makes whole numbers floats
        if _WHOLE.fullmatch(text):
            keys.add(str(int(text)))
    return keys
