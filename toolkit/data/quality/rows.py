"""Checks of whole rows: copies, contradictions, order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.artifacts import Check, Profile
from toolkit.data.findings import listed, percent
from toolkit.data.leakage.association import make_judge, number_bins
from toolkit.data.profile.drift import by_the_calendar
from toolkit.data.rows import numbers
from toolkit.data.split.row_order import find_order, order_checks
from toolkit.table.types.groups import in_words, repeated_group, very_alike

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_ORDERED = 0.5
_SORTED = 0.999
_WAYS = {"stratified": "at random", "random": "at random", "group": "by group"}


def row_checks(table: Table, profile: Profile, part: np.ndarray) -> list[Check]:
    """Return checks of duplicates, of equal rows with different targets, and of file order."""
    return [
        *_duplicates(profile, table),
        *_contradictions(table, part),
        *(neighbours := _neighbours(table, part)),
        *(
            []
            if any(table.project.target.column in c.columns for c in neighbours)
            else _order(table, part)
        ),
        *_in_time(table),
        *_calendar(table, profile),
        *_groups(table),
    ]


def _duplicates(profile: Profile, table: Table) -> list[Check]:
    if not profile.duplicates:
        return []
    share = profile.duplicates / profile.rows
    # Rows with names or numbers of their own are different cases that look alike.
    own = [n for n, c in table.columns.items() if c.role == "identifier" and not _counter(table, n)]
    return [
        Check(
            name="Duplicate rows",
            severity="warning" if share >= 0.01 and not own else "info",
            message=f"{profile.duplicates:,} rows ({percent(share)}) equal an earlier row,"
            " identifiers aside.",
            remedy="If they are copies, remove them at the source: copies on both sides of the"
            " split make test scores optimistic.",
        )
    ]


def _counter(table: Table, name: str) -> bool:
    """Whether an identifier is the number of the row, which copies would have as well."""
    values = pd.to_numeric(table.frame[name].head(1_000), errors="coerce").to_numpy(
        dtype=np.float64
    )
    return bool((np.diff(values) == 1).all())


def _contradictions(table: Table, part: np.ndarray) -> list[Check]:
    if table.task == "regression":
        return []
    rows = np.flatnonzero(table.known & (part != "test"))
    hashes = table.cells.hashes(table.features())[rows]
    pairs = pd.DataFrame({"row": hashes, "target": table.class_codes()[rows]})
    labels = pairs.drop_duplicates()["row"].value_counts()
    found = pairs["row"].isin(labels[labels > 1].index)
    number = int(found.sum())
    if not number:
        return []
    share = number / len(rows)
    return [
        Check(
            name="Conflicting labels",
            severity="warning" if share >= 0.01 else "info",
            message=f"{number:,} rows ({percent(share)} of train and validation) have the same"
            " feature values as a row of another class.",
            columns=[table.project.target.column],
            remedy="Wrong labels, or features too coarse to tell the classes apart: no model can"
            " be right on all of them.",
        )
    ]


def _order(table: Table, part: np.ndarray) -> list[Check]:
    source = table.project.data
    if source.format == "images" and source.table is None:
        return []  # read class by class: nobody gave the rows this order
    rows = np.flatnonzero(table.known & (part != "test"))
    rows = table.sample(rows, 50_000, 127)
    if len(rows) < 50:
        return []
    strength = make_judge(table, rows)(number_bins(rows.astype(np.float64)))
    if strength < _ORDERED:
        return []
    return [
        Check(
            name="Rows are ordered by the target",
            severity="warning",
            message=f"The position of a row in the file predicts its target ({strength:.2f} of 1).",
            columns=[table.project.target.column],
            remedy="Numbers given in this order leak. Ask how the rows were collected, and whether"
            " several sources were put one after the other.",
        )
    ]


def _in_time(table: Table) -> list[Check]:
    """Rows that lie in the order of a date are mostly a series: the next ones will be later."""
    if table.project.split.method == "time":
        return []
    for name, column in table.columns.items():
        if column.type != "date" or column.use not in ("feature", "time"):
            continue
        times = numbers(table.frame[name])
        times = times[np.isfinite(times)]
        if len(np.unique(times)) < 10 or len(times) < 50:
            continue
        if (np.diff(times) >= 0).mean() >= _SORTED:
            return [
                Check(
                    name="Rows are in order of time",
                    severity="warning",
                    message=f"Rows lie in the order of {name!r} and are split"
                    f" {_WAYS.get(table.project.split.method, 'otherwise')}: the test asks for rows"
                    " between those that were learnt, not for later ones.",
                    columns=[name],
                    remedy=f"If the model will score later rows, set split.method to time and"
                    f" split.column to {name}.",
                )
            ]
    return []


def _neighbours(table: Table, part: np.ndarray) -> list[Check]:
    """Look at the order of the rows; where the target counts, the test rows' is left out."""
    if table.project.data.format == "images":
        return []
    frame, target = table.frame, table.project.target.column

    def typed(rows: np.ndarray, names: list[str]) -> pd.DataFrame:
        taken = frame.iloc[rows][names].reset_index(drop=True)
        taken.loc[part[rows] == "test", target] = None
        return taken

    columns = {name: table.project.columns[name] for name in (target, *table.columns)}
    order = find_order(len(frame), columns, target, typed)
    return order_checks(order, columns, target, table.project.split)


def _calendar(table: Table, profile: Profile) -> list[Check]:
    axes = {item.axis for item in profile.drift}
    named = [
        name
        for name in by_the_calendar(table, "time" if "time" in axes else "split")
        if table.columns[name].type != "date" and table.columns[name].role == "feature"
    ]
    if not named or not axes & {"time", "split"}:
        return []
    return [
        Check(
            name="Parts of a date do not drift",
            severity="info",
            message=f"{listed([repr(name) for name in named])} differ between times by the calendar"
            " alone; their drift is not graded.",
            columns=named,
            remedy="See whether the test rows cover all months or hours that the model will score.",
        )
    ]


def _groups(table: Table) -> list[Check]:
    """Warn while persons or the like repeat, and a model may learn them by heart."""
    split = table.project.split
    checks = []
    seen: set[str] = set()
    for name, column in table.columns.items():
        if column.role == "weight" or (split.method == "group" and split.column == name):
            continue
        found, alike, named = repeated_group(table.frame, name, table.columns, table.cells.codes)
        others = {each.column for each in alike}
        if not alike or (not named and (not very_alike(alike) or seen & others)):
            continue
        seen.add(name)
        feature = column.role == "feature"
        counts = found.counts
        learnt = "; the model gets it as a feature" if feature else ""
        checks.append(
            Check(
                name="Rows of one person or thing",
                severity="critical" if named and split.method != "time" else "warning",
                message=f"{name!r} has {len(counts):,} values in {counts.sum():,} rows, up to"
                f" {counts.max():,} each, and rows of one value are alike: {in_words(alike)}."
                f" The split does not keep them together{learnt}.",
                columns=[name],
                remedy=f"Set columns.{name}.role to group, split.method to group and split.column"
                f" to {name}, or scores are of persons that the model knows already.",
            )
        )
    return checks[:5]
