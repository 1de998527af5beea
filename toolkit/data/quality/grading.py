"""Data-quality checks, each with its severity, its columns, the number and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from toolkit.artifacts import Check, Intake, Profile, Quality, Split, SplitSummary
from toolkit.artifacts.base import worst_first
from toolkit.data.quality.columns import column_checks
from toolkit.data.quality.contents import content_checks
from toolkit.data.quality.rows import row_checks
from toolkit.data.quality.target import target_checks
from toolkit.data.quality.values import value_checks
from toolkit.data.rows import open_table
from toolkit.errors import DataError

if TYPE_CHECKING:
    from toolkit.run.stage import Stage


def quality(stage: Stage) -> Quality:
    """Grade the table's faults, worst first, and write `Quality`.

    Includes what the intake had to convert and what the split's leak check found.

    Raises
    ------
    MissingArtifact
        If there is no profile yet.
    DataError
        If a check is critical and `eda.stop_at` says so; everything is written before.
    """
    table = open_table(stage)
    profile = stage.read(Profile)
    part = stage.read(Split).frame["part"].to_numpy(dtype=object)
    stage.progress("grading columns, values and rows")
    checks = column_checks(profile, table)
    checks += value_checks(table, profile, _made(stage))
    checks += content_checks(table, profile)
    checks += row_checks(table, profile, part)
    checks += target_checks(profile, stage.project, part, table)
    checks += [c for c in stage.read(SplitSummary).checks if c.severity != "ok"]
    checks += stage.read(Intake).checks
    result = Quality(checks=worst_first(_once(checks)))
    stage.write(result)
    if stage.project.eda.stop_at == "critical":
        _stop(result)
    return result


def _made(stage: Stage) -> pd.Timestamp | None:
    # Not today: a replay of this run must find the same. A run's first day is kept in run.json.
    moment = pd.to_datetime(stage.run.manifest().created, errors="coerce", utc=True)
    return None if pd.isna(moment) else moment.tz_localize(None)


def _once(checks: list[Check]) -> list[Check]:
    # The intake and the split may say the same thing, such as rows without a target.
    seen: set[tuple[str, tuple[str, ...]]] = set()
    kept = []
    for check in checks:
        key = (check.name, tuple(check.columns))
        if key not in seen:
            seen.add(key)
            kept.append(check)
    return kept


def _stop(result: Quality) -> None:
    critical = [check for check in result.checks if check.severity == "critical"]
    if critical:
        more = f" (and {len(critical) - 1} more)" if len(critical) > 1 else ""
        raise DataError(
            f"a critical data-quality check{more}: {critical[0].name}: {critical[0].message}",
            where="eda.stop_at",
            remedy=critical[0].remedy or "Correct the table, or set eda.stop_at to never",
        )
