"""The schema that later tables must meet, in pandera's own JSON form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.artifacts import Check, Contract
from toolkit.artifacts.base import Severity
from toolkit.canonical import dumps, write_text
from toolkit.data.findings import listed, percent
from toolkit.data.rows import Table, is_numeric, numbers, open_table
from toolkit.errors import ProjectError

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

FILE_NAME = "contract.json"
_MOST_LEVELS = 50
_MARGIN = 0.1
_DTYPES = {"number": "float64", "date": "datetime64[us]", "image": "object"}


def contract(stage: Stage) -> Contract:
    """Derive the schema of features and target, write `Contract`, and hold a kept one to the table.

    A column of the schema has a type, whether it may be missing, its levels where there are
    few (a new level is a warning), and the range seen, widened by a tenth on both sides
    (a value outside is a warning). Where a person kept the contract of an earlier run
    (`keep_contract`), the present table is checked against that one, and each fault is noted.
    """
    import pandera

    table = open_table(stage)
    result = Contract(
        pandera_version=pandera.__version__, schema_text=dumps(json.loads(_schema(table).to_json()))
    )
    stage.write(result)
    for check in kept_checks(stage, table.frame):
        if check.severity in ("warning", "critical"):
            stage.note(f"the table breaks the kept contract: {check.message}")
    return result


def keep_contract(stage: Stage) -> Path:
    """Copy this run's contract to ``decisions/contract.json``: later tables are held to it."""
    path = stage.file.decisions / FILE_NAME
    write_text(path, stage.read(Contract).model_dump_json(indent=1) + "\n")
    return path


def kept_checks(stage: Stage, frame: pd.DataFrame) -> list[Check]:
    """Return the checks of a table against the kept contract; none if none was kept.

    Raises
    ------
    ProjectError
        If the kept file cannot be read.
    """
    path = stage.file.decisions / FILE_NAME
    stage.depends(path)
    if not path.is_file():
        return []
    try:
        kept = Contract.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProjectError(
            "is not a contract",
            where=str(path),
            remedy="Delete it, or keep the contract of a good run again",
        ) from error
    return check_contract(kept, frame)


def check_contract(contract: Contract, frame: pd.DataFrame) -> list[Check]:
    """Hold a typed table to a contract.

    Parameters
    ----------
    contract : Contract
        Of an earlier run.
    frame : pandas.DataFrame
        Typed as by `toolkit.table.conform`.

    Returns
    -------
    list of Check
        Critical: a column is missing or of another type, or lacks values though it never
        did. Warning: new levels, values out of range. One check, ok, if nothing is wrong.
    """
    import warnings

    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    schema = pa.DataFrameSchema.from_json(contract.schema_text)
    frame = frame[[name for name in schema.columns if name in frame.columns]].copy()
    for name in frame.columns:
        if pd.api.types.is_datetime64_any_dtype(frame[name].dtype):
            frame[name] = frame[name].dt.as_unit("us")
    soft = _without_hard_checks(schema, frame)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings are counted below, with numbers
            schema.validate(frame, lazy=True)
        hard: list[Check] = []
    except SchemaErrors as error:
        hard = _hard(error.failure_cases, len(frame))
    found = hard + soft
    if found:
        return found
    return [
        Check(
            name="Contract",
            severity="ok",
            message=f"{len(frame):,} rows meet the contract of {len(schema.columns):,} columns.",
        )
    ]


def _schema(table: Table) -> Any:
    import pandera.pandas as pa

    names = [*table.features(), table.project.target.column]
    columns = {}
    for name in names:
        column = table.project.columns[name]
        series = table.frame[name]
        columns[name] = pa.Column(
            _DTYPES.get(column.type, str),
            checks=_ranges(series) if is_numeric(column) else _levels(table, name),
            nullable=bool(series.isna().any()),
            required=True,
        )
    return pa.DataFrameSchema(columns, strict=False)


def _ranges(series: pd.Series) -> list[Any]:
    import pandera.pandas as pa

    known = series.dropna()
    if not len(known):
        return []
    low, high = known.min(), known.max()
    margin = (high - low) * _MARGIN
    if isinstance(low, pd.Timestamp):
        return [pa.Check.in_range(low - margin, high + margin, raise_warning=True)]
    # What never was negative is most often a count or an amount.
    low_end = float(low - margin) if low < 0 else max(float(low - margin), 0.0)
    limits = float(f"{low_end:.6g}"), float(f"{high + margin:.6g}")
    return [pa.Check.in_range(min(limits[0], low), max(limits[1], high), raise_warning=True)]


def _levels(table: Table, name: str) -> list[Any]:
    import pandera.pandas as pa

    if table.project.columns[name].type in ("text", "image"):
        return []
    _, levels = table.cells.codes(name)
    if not 0 < len(levels) <= _MOST_LEVELS:
        return []
    return [pa.Check.isin(sorted(levels), raise_warning=True)]


def _hard(cases: pd.DataFrame, rows: int) -> list[Check]:
    """One check for each kind of fault that pandera found, with its columns."""
    absent = cases[cases["check"] == "column_in_dataframe"]["failure_case"].astype(str).tolist()
    checks = []
    if absent:
        checks.append(_check("Columns that the contract needs", "critical",
                             f"The table lacks {listed(absent)}.", absent,
                             "Deliver the columns, or keep a new contract."))  # fmt: skip
    kinds = cases[cases["check"].astype(str).str.startswith("dtype")]["column"].astype(str)
    names = list(dict.fromkeys(kinds))
    if names:
        checks.append(_check("Types that the contract needs", "critical",
                             f"{listed(names)} changed type.", names,
                             "Read the column as before, or keep a new contract."))  # fmt: skip
    empty = cases[cases["check"] == "not_nullable"]["column"].value_counts()
    for name in sorted(empty.index.astype(str)):
        n = int(empty[name])
        checks.append(_check("Values that the contract needs", "critical",
                             f"{name} was never missing and now is in {n:,} rows"
                             f" ({percent(n / max(rows, 1))}).", [name],
                             "Find out why, or keep a new contract."))  # fmt: skip
    return checks


def _without_hard_checks(schema: Any, frame: pd.DataFrame) -> list[Check]:
    """Count what the schema's soft checks (levels and ranges) would warn about."""
    checks = []
    for name in schema.columns:
        if name not in frame.columns:
            continue
        for rule in schema.columns[name].checks:
            facts = rule.statistics or {}
            if "allowed_values" in facts:
                checks += _new_levels(name, frame[name], list(facts["allowed_values"]))
            elif "min_value" in facts:
                checks += _out_of_range(name, frame[name], facts)
    return checks


def _new_levels(name: str, series: pd.Series, allowed: list[str]) -> list[Check]:
    new = series.dropna()
    new = new[~new.isin(allowed)].astype(str)
    if not len(new):
        return []
    levels = listed([repr(level[:40]) for level in sorted(new.unique())])
    return [_check("Levels that the contract knows", "warning",
                   f"{name} has new levels in {len(new):,} rows: {levels}.", [name],
                   "Check the source; a model has learned nothing about them.")]  # fmt: skip


def _out_of_range(name: str, series: pd.Series, facts: dict[str, Any]) -> list[Check]:
    if not (pd.api.types.is_numeric_dtype(series) or
            pd.api.types.is_datetime64_any_dtype(series.dtype)):  # fmt: skip
        return []
    limits = pd.Series([facts["min_value"], facts["max_value"]])
    low, high = numbers(pd.to_datetime(limits) if series.dtype.kind == "M" else limits)
    values = numbers(series)
    n = int(((values < low) | (values > high)).sum())
    if not n:
        return []
    return [_check("Ranges that the contract knows", "warning",
                   f"{name} is outside {facts['min_value']:.6g} to {facts['max_value']:.6g} in"
                   f" {n:,} rows.".replace(":.6g", ""), [name],
                   "Check units and source; a model extrapolates there.")]  # fmt: skip


def _check(name: str, severity: Severity, message: str, columns: list[str], remedy: str) -> Check:
    return Check(name=name, severity=severity, message=message, columns=columns[:50], remedy=remedy)
