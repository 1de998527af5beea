"""Checks that follow from the profile alone: fill, spread, levels, relations, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Check, ColumnProfile, Drift, Profile, Suspect
from toolkit.artifacts.base import Severity
from toolkit.data.findings import check_of, counted, listed, percent
from toolkit.data.leakage.leakage import TOGETHER
from toolkit.data.profile.table_profile import proxies

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_MISSING: tuple[tuple[float, float, Severity, str], ...] = (
    (1.0, 0.4, "warning", "Find out why; that a value is missing can itself tell, or leak."),
    (0.4, 0.0, "info", "Models take missing values; check that they will be as frequent in use."),
)
_NEARLY_CONSTANT = 0.99
_MANY_LEVELS = 100
_RARE = 5
_SKEW = 5.0


_NOTHING = frozenset(
    ["no", "none", "nothing", "0", "false", "absent", "n", "never", "nein", "keine", "kein", "ohne"]
)
_FEW_LEVELS = 12
_ABSENT = 0.4


def column_checks(profile: Profile, table: Table | None = None) -> list[Check]:
    """Return the checks of a profile's columns; columns in no use are passed over.

    With the rows, a column is also held against others: it may be empty just where a count is 0.
    """
    used = [c for c in profile.columns if c.role in ("feature", "group", "time") or c.protected]
    features = [c for c in used if c.role == "feature"]
    rows = max(profile.rows, 1)
    return [
        *_missing(used, rows, table),
        *_constant(features, rows),
        *_levels(features, rows),
        *_skewed(features),
        *_suspects(profile),
        *_redundant(profile),
        *_proxies(profile),
        *_drift(profile.drift),
    ]


def _missing(columns: list[ColumnProfile], rows: int, table: Table | None) -> list[Check]:
    checks = check_of(
        "Empty columns", "critical", "hold no value",
        [(c.name, 1.0, "") for c in columns if c.missing == rows],
        "Ignore these columns, or find the lost values.",
    )  # fmt: skip
    absent = _absent([c for c in columns if _ABSENT < c.missing / rows < 1], table)
    checks += check_of(
        "Values of what may not exist", "info", "are empty in most rows",
        [
            (c.name, c.missing / rows, percent(c.missing / rows) + absent[c.name])
            for c in columns
            if c.name in absent
        ],
        "If an empty cell means that there is none (no pool, no alley), that is how models read it:"
        " missing is a level of its own. Otherwise find the lost values.",
    )  # fmt: skip
    columns = [c for c in columns if c.name not in absent and c.missing < rows]
    for most, least, severity, remedy in _MISSING:
        found = [
            (c.name, c.missing / rows, percent(c.missing / rows))
            for c in columns
            if least < c.missing / rows <= most
        ]
        what = f"lack more than {least:.0%} of their values" if least else "lack some values"
        checks += check_of("Missing values", severity, what, found, remedy)
    return checks


def _absent(columns: list[ColumnProfile], table: Table | None) -> dict[str, str]:
    """Return columns whose gaps look like absence, and why.

    A few levels of which none says *no*: the gap says it. Or gaps just where another column is 0.
    """
    found = {}
    zeros: dict[str, np.ndarray] = {}
    if table is not None and columns:
        for name, column in table.columns.items():
            if column.type == "number" and column.role == "feature":
                zeros[name] = table.frame[name].to_numpy() == 0
    for c in columns:
        missing = None if table is None else table.frame[c.name].isna().to_numpy()
        if missing is not None and missing.any():
            same = [n for n, zero in zeros.items() if (zero == missing).mean() >= 0.995]
            if same:
                found[c.name] = f", just where {same[0]} is 0"
                continue
        few = c.type in ("category", "boolean") and 1 <= c.distinct <= _FEW_LEVELS
        levels = {label.casefold().strip() for label, _ in c.top}
        if few and not levels & _NOTHING:
            found[c.name] = ""
    return found


def _share_of_top(column: ColumnProfile, rows: int) -> float:
    counts = [count for _, count in column.top]
    return max(counts, default=0) / rows


def _constant(features: list[ColumnProfile], rows: int) -> list[Check]:
    constant = [
        (c.name, 1.0, f"{c.missing:,} missing" if c.missing else "")
        for c in features
        if c.distinct == 1
    ]
    nearly = [
        (c.name, share, f"{percent(share)} one value")
        for c in features
        if c.distinct > 1 and (share := _share_of_top(c, rows)) >= _NEARLY_CONSTANT
    ]
    return [
        *check_of("Constant columns", "warning", "hold a single value", constant,
                  "Ignore them: they cannot tell rows apart."),
        *check_of("Nearly constant columns", "info", "vary in few rows only", nearly,
                  "Keep them only if the rare values matter."),
    ]  # fmt: skip


def _levels(features: list[ColumnProfile], rows: int) -> list[Check]:
    levels = [c for c in features if c.type in ("category", "boolean")]
    identifiers = [
        (c.name, c.distinct, f"{c.distinct:,} distinct")
        for c in features
        if c.type not in ("text", "image") and rows >= 50 and _unique(c, rows)
    ]
    named = {name for name, _, _ in identifiers}
    rare = [
        (c.name, c.distinct, f"{c.distinct:,} levels, {rows / c.distinct:.1f} rows each")
        for c in levels
        if c.distinct > 1 and rows / c.distinct < _RARE and c.name not in named
    ]
    named |= {name for name, _, _ in rare}
    many = [
        (c.name, c.distinct, f"{c.distinct:,} levels")
        for c in levels
        if c.distinct > _MANY_LEVELS and c.name not in named
    ]
    few = [
        (c.name, -least, f"{least} rows of the rarest")
        for c in levels
        if 2 <= c.distinct <= len(c.top)
        and (least := min(n for _, n in c.top)) < max(_RARE, 0.001 * rows)
    ]
    return [
        *check_of("Identifiers as features", "warning", "differ in nearly every row", identifiers,
                  "Give them the role identifier: a model would learn single rows by heart."),
        *check_of("Many levels", "info", f"have more than {_MANY_LEVELS} levels", many,
                  "Group levels, or use something more general (a region in place of a town)."),
        *check_of("Few rows a level", "warning", f"have fewer than {_RARE} rows a level", rare,
                  "Ignore them, make them text, or group levels."),
        *check_of("Rare levels", "info", "have levels that hardly occur", few,
                  "Merge them with a neighbour if their meaning allows."),
    ]  # fmt: skip


def _unique(column: ColumnProfile, rows: int) -> bool:
    known = rows - column.missing
    if known < 50 or column.distinct < 0.98 * known:
        return False
    if column.type in ("category", "boolean"):
        return True
    # Measurements differ in every row too; identifiers are whole numbers close together.
    if column.type != "number" or column.minimum is None or column.maximum is None:
        return False
    low, high = float(column.minimum), float(column.maximum)
    return low == int(low) and high == int(high) and high - low < 3 * known


def _skewed(features: list[ColumnProfile]) -> list[Check]:
    found = [
        (c.name, abs(c.skew), f"skew {c.skew:.1f}")
        for c in features
        if c.type == "number" and c.skew is not None and abs(c.skew) > _SKEW and c.distinct > 20
    ]
    remedy = "Trees do not mind; linear models and networks may gain from a logarithm."
    return check_of("Skewed numbers", "info", "have a long tail", found, remedy)


def _suspects(profile: Profile) -> list[Check]:
    roles = {column.name: column.role for column in profile.columns}
    checks = []
    for suspect in profile.suspects[:20]:
        feature = roles.get(suspect.column) == "feature"
        end = "" if suspect.reason.endswith("?") else "."
        cleared = f" It is {suspect.resolved}." if suspect.resolved else ""
        checks.append(
            Check(
                name=f"Leakage suspect: {suspect.column}",
                severity="info" if cleared else suspect.severity,
                message=f"{suspect.column}: {suspect.reason}{end}{cleared}",
                columns=[suspect.column],
                remedy="" if cleared else _suspect_remedy(suspect, feature),
            )
        )
    if not checks and profile.searched is not None:
        checks.append(
            Check(name="Leakage suspects", severity="info", message=profile.searched.text)
        )
    return checks


def _suspect_remedy(suspect: Suspect, feature: bool) -> str:
    if not feature:
        return "Ask how rows were numbered, and whether order or number will exist in use."
    together = (
        "The target follows from these columns together; the others of them are suspects too. "
        if TOGETHER in suspect.reason
        else ""
    )
    return (
        f"{together}Ask when this value is known, and say it in 01_scoping"
        f" (columns.{suspect.column}.known): before the outcome, or only after it, which keeps the"
        " column out of the model."
    )


def _redundant(profile: Profile) -> list[Check]:
    close = [pair for pair in profile.pairs if pair.strength >= 0.98]
    if not close:
        return []
    columns = list(dict.fromkeys(pair.second for pair in close))
    shown = listed(
        [
            f"{p.first} and {p.second} ({p.strength:.2f}"
            + (f", {p.rows:,} rows)" if p.rows else ")")
            for p in close
        ]
    )
    return [
        Check(
            name="Columns that say the same",
            severity="info",
            message=f"Columns nearly interchangeable: {counted(len(close), 'pair')}, {shown}.",
            columns=columns[:50],
            remedy="Ignore one of each pair: explanations divide the credit between them.",
        )
    ]


def _proxies(profile: Profile) -> list[Check]:
    found = proxies(profile)
    if not found:
        return []
    protected = {column.name for column in profile.columns if column.protected}
    pairs = [(p.first, p.second) if p.first in protected else (p.second, p.first) for p in found]
    shown = listed(
        [
            f"{other} for {own} ({p.strength:.2f})"
            for (own, other), p in zip(pairs, found, strict=True)
        ]
    )
    return [
        Check(
            name="Proxies of protected columns",
            severity="warning",
            message=f"A protected column can partly be told from {counted(len(found), 'feature')}:"
            f" {shown}.",
            columns=list(dict.fromkeys(other for _, other in pairs))[:50],
            remedy="Leaving out the protected column does not keep it from the model; decide"
            " whether each proxy is needed for the purpose.",
        )
    ]


def _drift(items: list[Drift]) -> list[Check]:
    checks: list[Check] = []
    words = {
        "time": ("Drift over time", "changed between the first and the last third of the rows",
                 "Prefer split.method time, and ask whether the past still holds."),
        "split": ("Drift between train and test", "differ between train and test rows",
                  "With a split by time this is drift; with another it is chance or groups."),
    }  # fmt: skip
    for axis, (name, what, remedy) in words.items():
        grades: tuple[tuple[Severity, str], ...] = (("warning", "critical"), ("info", "warning"))
        for severity, graded in grades:
            found = [
                (
                    item.column,
                    item.distance,
                    f"PSI {item.distance:.2f}"
                    + (f" of its {item.measure}" if item.measure else ""),
                )
                for item in items
                if item.axis == axis and item.severity == graded
            ]
            checks += check_of(name, severity, what, found, remedy)
    return checks
