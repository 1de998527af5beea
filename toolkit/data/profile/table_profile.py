"""The table in numbers: every column, how columns go together, what drifts, what may leak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.artifacts import ColumnProfile, Pair, Profile, Split
from toolkit.data.leakage.association import associations
from toolkit.data.leakage.leakage import search
from toolkit.data.profile.column_profile import TargetColumns, profile_column
from toolkit.data.profile.contents import profile_contents
from toolkit.data.profile.drift import drift
from toolkit.data.profile.relations import MOST_COLUMNS, PROXY, relate, strongest_pairs
from toolkit.data.rows import MEASURES, SAMPLE, Table, open_table

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

_SALT = 113


def profile(stage: Stage) -> Profile:
    """Describe the table in numbers, and write `Profile`.

    Counts, moments and histograms look at all rows. What involves the target looks at train
    and validation rows only: the test rows' targets stay unseen. Associations look at 50,000
    rows at most, and pairs at 20,000 rows and the 200 columns most associated with the target.

    Raises
    ------
    MissingArtifact
        If the rows were not split yet.
    """
    table = open_table(stage)
    part = stage.read(Split).frame["part"].to_numpy(dtype=object)
    seen = np.flatnonzero(((part == "train") | (part == "validation")) & table.known)
    rows = table.sample(seen, SAMPLE, _SALT)
    if len(rows) < len(seen):
        stage.note(f"associations look at {len(rows):,} of {len(seen):,} rows")
    stage.progress("how well each column predicts the target alone")
    association = associations(table, rows)
    stage.progress("each column in numbers")
    columns = _columns(table, seen, association)
    stage.progress("pairs of columns")
    related = relate(table, rows, association)
    if related.left_out:
        stage.note(
            f"pairs are computed for the {MOST_COLUMNS} columns most associated with the target;"
            f" {related.left_out:,} columns are left out"
        )
    stage.progress("drift and leakage")
    suspects, searched = search(table, rows, association, stage.project.eda.leakage_threshold)
    result = Profile(
        rows=len(table.frame),
        sampled=len(rows),
        duplicates=duplicates(table),
        columns=columns,
        pairs=strongest_pairs(
            related, stage.project.eda.correlation_threshold, set(stage.project.protected())
        ),
        suspects=suspects,
        searched=searched,
        drift=drift(table, np.flatnonzero(part == "train"), np.flatnonzero(part == "test")),
    )
    stage.write(result)
    return result


def duplicates(table: Table) -> int:
    """Return how many rows equal an earlier one in all columns but identifiers."""
    names = [
        name
        for name, column in table.project.columns.items()
        if column.role != "identifier" and name in table.frame.columns
    ]
    ordered = np.sort(table.cells.hashes(names))
    return int((ordered[1:] == ordered[:-1]).sum())


def proxies(profile: Profile) -> list[Pair]:
    """Return pairs of a protected column and a feature that partly gives it away (0.5 on)."""
    protected = {column.name for column in profile.columns if column.protected}
    features = {c.name for c in profile.columns if c.role == "feature" and not c.protected}
    return [
        pair
        for pair in profile.pairs
        if pair.strength >= PROXY
        and (
            (pair.first in protected and pair.second in features)
            or (pair.second in protected and pair.first in features)
        )
    ]


def _columns(
    table: Table, seen: np.ndarray, association: dict[str, float | None]
) -> list[ColumnProfile]:
    outcome = TargetColumns(table, seen)
    target = table.project.target.column
    found = []
    for name, column in table.project.columns.items():
        if name not in table.frame.columns:
            continue
        relation = None if name == target else outcome
        if column.type in MEASURES and name != target:
            facts = profile_contents(table, name, seen, relation)
        else:
            facts = profile_column(table, name, relation)
        update: dict[str, Any] = {"association": association.get(name)}
        if column.role in ("identifier", "group"):  # counted, never shown
            update |= {"top": [], "words": [], "target_by_bin": [], "classes_by_bin": {}}
        found.append(facts.model_copy(update=update))
    return found
