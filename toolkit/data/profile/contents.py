"""What texts and images hold: lengths and distinctive words, sizes, brightness and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.artifacts import ColumnProfile, Thumbnail, Word
from toolkit.artifacts.base import COMMON
from toolkit.data.profile.column_profile import TargetColumns, of_levels, of_numbers
from toolkit.data.rows import MEASURES
from toolkit.table.images import images

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_WORD_ROWS = 20_000
_WORD_CLASSES = 6
_WORDS = 8
_PRIOR = 0.5
_CLASSES = 12
_PICTURES = 96
_SIDE = 64
_SALT = 137


def profile_contents(
    table: Table, name: str, seen: np.ndarray, outcome: TargetColumns | None
) -> ColumnProfile:
    """Return a text or image column in numbers.

    Parameters
    ----------
    table : Table
        The rows.
    name : str
        The column.
    seen : numpy.ndarray
        Positions of the rows whose target may be looked at.
    outcome : TargetColumns, optional
        The target, to relate to.
    """
    column, series = table.project.columns[name], table.frame[name]
    facts: dict[str, Any] = {
        "name": name,
        "type": column.type,
        "role": column.use,
        "protected": column.protected,
    }
    measured = of_numbers(table.measure(name), False, outcome)
    facts |= {key: value for key, value in measured.items() if key != "top"}
    known = int(series.notna().sum())
    distinct = int(series.nunique())
    facts |= {
        "missing": len(series) - known,
        "distinct": distinct,
        "measure": MEASURES[column.type],
        "repeated": known - distinct,
    }
    used = seen if column.use in ("feature", "group") else seen[:0]
    if column.type == "text":
        facts["top"] = of_levels(*table.cells.codes(name), None)["top"]
        facts["words"] = telling_words(table, series, used)
    else:
        facts["sizes"] = _sizes(table.image_facts(name))
        facts["pictures"] = examples(table, series, used)
    return ColumnProfile(**facts)


def ranges(table: Table, rows: np.ndarray, most: int) -> list[tuple[str, np.ndarray]]:
    """Return rows by class, the most frequent first; by quarter of the target for regression.

    Parameters
    ----------
    table : Table
        The rows.
    rows : numpy.ndarray
        Positions, whose target is known.
    most : int
        Classes at most.
    """
    if table.task != "regression":
        codes = table.class_codes()[rows]
        counts = np.bincount(codes, minlength=len(table.classes))
        kept = sorted(np.argsort(-counts, kind="stable")[:most])
        return [(table.classes[k], rows[codes == k]) for k in kept if counts[k]]
    values = table.target[rows].astype(np.float64)
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75])) if len(rows) else np.zeros(0)
    place = np.searchsorted(edges, values, side="right")
    found = []
    for k in range(len(edges) + 1):
        inside = rows[place == k]
        if len(inside):
            own = values[place == k]
            found.append((f"{own.min():.4g} to {own.max():.4g}", inside))
    return found


# -- texts -----------------------------------------------------------------------------


def telling_words(table: Table, series: pd.Series, rows: np.ndarray) -> list[Word]:
    """Return the words that are more frequent in one class's texts than elsewhere.

    Words are ranked by their log odds ratio in units of its standard error, with half a
    text added to every count (as in Monroe, Colaresi and Quinn 2008, "Fightin' Words").
    """
    from sklearn.feature_extraction.text import CountVectorizer

    rows = rows[series.iloc[rows].notna().to_numpy()]
    rows = table.sample(rows, _WORD_ROWS, _SALT)
    parts = ranges(table, rows, _WORD_CLASSES)
    if len(rows) < 4 * COMMON or len(parts) < 2:
        return []
    counter = CountVectorizer(binary=True, min_df=COMMON, max_features=20_000,
                              token_pattern=r"(?u)\b\w\w+\b")  # fmt: skip
    try:
        held = counter.fit_transform(series.iloc[rows].astype(str))
    except ValueError:  # no word is in five texts
        return []
    names = counter.get_feature_names_out()
    total = np.asarray(held.sum(axis=0)).ravel()
    found = []
    for label, members in parts:
        inside = np.isin(rows, members)
        size, rest = int(inside.sum()), int((~inside).sum())
        if not size or not rest:
            continue
        own = np.asarray(held[inside].sum(axis=0)).ravel()
        other = total - own
        p, q = own + _PRIOR, size - own + _PRIOR
        r, t = other + _PRIOR, rest - other + _PRIOR
        strength = (np.log(p / q) - np.log(r / t)) / np.sqrt(1 / p + 1 / q + 1 / r + 1 / t)
        order = np.lexsort((names, -strength))
        for k in [k for k in order if own[k] >= COMMON and strength[k] > 2][:_WORDS]:
            found.append(
                Word(
                    word=str(names[k]),
                    label=label,
                    rows=int(own[k]),
                    share=round(float(own[k]) / size, 4),
                    elsewhere=round(float(other[k]) / rest, 4),
                )
            )
    return found


# -- images ----------------------------------------------------------------------------


def _sizes(facts: pd.DataFrame) -> list[tuple[str, int]]:
    known = facts.dropna()
    texts = [
        f"{w:.0f} × {h:.0f}, {'colour' if c > 1 else 'grey'}"
        for w, h, c in known[["width", "height", "channels"]].to_numpy()
    ]
    counts = pd.Series(texts, dtype="str").value_counts()
    order = sorted(counts.index, key=lambda text: (-counts[text], text))[:12]
    return [(text, int(counts[text])) for text in order]


def examples(table: Table, series: pd.Series, rows: np.ndarray) -> list[Thumbnail]:
    """Return small copies of a few images of each class, drawn at random."""
    rows = rows[series.iloc[rows].notna().to_numpy()]
    parts = ranges(table, rows, _CLASSES)
    each = min(10, _PICTURES // max(len(parts), 1))
    found = []
    for label, members in parts:
        for row in table.sample(members, each, _SALT + 1).tolist():
            small = images.thumbnail(series.iloc[row], _SIDE)
            if small:
                found.append(Thumbnail(row=row, label=label, image=small))
    return found
