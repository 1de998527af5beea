"""Make a project folder from a table."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toolkit import canonical
from toolkit.artifacts.base import Check, worst_first
from toolkit.errors import DataError, ProjectError, UsageError
from toolkit.project.data import Column, Data
from toolkit.project.document import parse
from toolkit.project.file import FILE_NAME, ProjectFile
from toolkit.project.model import Project, SplitSettings, Target
from toolkit.project.template import copy_beside, make_folder, render
from toolkit.project.validation import plain_words, validate
from toolkit.table.images.image_source import FILE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.table.read.source import RawTable

_LOOKED_AT = 5_000
"""Rows in which `toolkit new` looks for columns that know the target, for up to 50 columns."""


class NewProject(ProjectFile):
    """A project that was just made.

    Attributes
    ----------
    checks : list of Check
        What was inferred and why, warnings first.
    """

    def __init__(self, folder: Path, checks: list[Check]) -> None:
        super().__init__(folder)
        self.checks = checks

    def lines(self) -> list[str]:
        """Return what a notebook shows: where the project is, its target, what to look at."""
        target = self.project.target
        marked = [check for check in self.checks if check.severity != "ok"]
        return [
            f"project   {self.path}",
            f"predict   {target.column} ({target.task})",
            *(f"{c.severity:<10}{c.name}: {c.message} {c.remedy}".rstrip() for c in marked),
        ]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("\n".join(self.lines()))


def new(
    data: Path | str,
    target: str,
    folder: Path | str,
    *,
    name: str | None = None,
    query: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: Literal[".", ","] | None = None,
    header_row: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> NewProject:
    """Make a project folder: ``project.yaml``, its schema, and the notebooks.

    Parameters
    ----------
    data : path or str
        A CSV, Parquet, Excel or NumPy (.npz) file, a folder of images, or a SQLAlchemy URL.
    target : str
        The column to predict.
    folder : path
        Where to; made if it does not exist.
    name : str, optional
        The project's name; the folder's by default.
    query : str, optional
        SQL that returns the table; only with a URL.
    sheet : str, optional
        The sheet of an Excel file; the first by default.
    encoding, delimiter, decimal : str, optional
        How a text file is written; detected by default.
    header_row : int, optional
        The line (Excel: the row) of the header, counted from 1; 0 if there is none.
    say : callable, optional
        Is told what is being done.

    Returns
    -------
    NewProject
        The project file, with what was inferred in its ``checks``.

    Raises
    ------
    DataError
        If the table cannot be read or the target cannot be predicted.
    ProjectError
        If there is a project already: nothing is overwritten.
    """
    from toolkit import table

    folder = Path(folder).expanduser().absolute()
    _refuse(folder)
    section, read = _detected(
        data, query, sheet=sheet, encoding=encoding, delimiter=delimiter, decimal=decimal,
        header_row=header_row,
    )  # fmt: skip
    if section.format == "images":
        section = _of_images(section, folder, target)
    say("reading the table")
    raw = table.read_source(section, Path.cwd())
    _labelled(section, raw.frame, target)
    _require_target(section, raw, target, read)
    say(f"looking at {raw.frame.shape[1]:,} columns of {len(raw.frame):,} rows")
    columns, meaning, checks = table.infer_columns(
        raw.frame, target, decimal=section.decimal or ".", delimiter=section.delimiter
    )
    if section.format == "images" and section.table is None:
        columns[FILE] = Column(type="category", role="identifier")
        checks = [check for check in checks if check.columns != [FILE]]
    typed = table.conform(raw.frame[[target]], {target: columns[target]})
    checks = [*read, *raw.checks, *table.check_target(typed[target], meaning), *checks]
    split = _split(columns, meaning, raw.frame)
    checks += [*_split_hints(columns), *_order(columns, target, raw.frame, split)]
    section = section.model_copy(update={"source": _relative(section, folder)})
    project = Project(
        name=name or folder.name or "project",
        data=section,
        columns=columns,
        target=meaning,
        split=split,
    )
    checks = worst_first([*checks, *_leaks(project, raw.frame)])
    text = render(project)
    validate(parse(text, folder / FILE_NAME), folder / FILE_NAME)  # before anything is written
    make_folder(folder)
    copy_beside(folder, project)
    # Last, so that a folder with a project file is a whole project.
    canonical.write_text(folder / FILE_NAME, text)
    return NewProject(folder, checks)


def _leaks(project: Project, frame: pd.DataFrame) -> list[Check]:
    """Return what may be known only after the outcome, from a sample of rows."""
    import numpy as np

    from toolkit import table
    from toolkit.data.leakage.leakage import first_look
    from toolkit.data.scoping.checks import of_known

    most = max(500, min(_LOOKED_AT, _LOOKED_AT * 50 // len(project.columns)))
    if len(frame) > most:
        rows = np.random.default_rng(project.seed).choice(len(frame), most, replace=False)
        frame = frame.iloc[np.sort(rows)]
    read = {
        name: column
        for name, column in table.effective_columns(project).items()
        if column.type not in ("text", "image") and name in frame.columns
    }
    typed = table.conform(frame[list(read)].reset_index(drop=True), read)
    found = of_known(project, first_look(project, typed))
    return [check for check in found if check.severity == "warning"]


def _refuse(folder: Path) -> None:
    if (folder / FILE_NAME).exists():
        raise ProjectError(
            "there is a project here already",
            where=str(folder / FILE_NAME),
            remedy="Choose another folder, or delete that file first",
        )
    if folder.exists() and not folder.is_dir():
        raise ProjectError(
            "is a file", where=str(folder), expected="a folder", remedy="Choose another name"
        )


def _detected(source: Path | str, query: str | None, **given: Any) -> tuple[Data, list[Check]]:
    from pydantic import ValidationError

    from toolkit import table

    try:
        data, checks = table.inspect(source, **given)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        expected = plain_words(first["msg"])
        fits = not first["msg"].startswith("Input should be ")
        raise UsageError(
            expected.removeprefix("Value error, ") if fits else f"{first['input']!r} does not fit",
            where=option,
            expected="" if fits else expected,
            remedy="Correct the option, or leave it out",
        ) from error
    if query and data.format != "sql":
        raise DataError(
            "a query needs a database",
            where=str(source),
            expected="a URL such as sqlite:///shop.db",
            remedy="Leave the query out to read the file",
        )
    return data.model_copy(update={"query": query}), checks


def _of_images(data: Data, folder: Path, target: str) -> Data:
    source = Path(data.source).expanduser().absolute()
    if folder == source or source in folder.parents:
        raise ProjectError(
            "lies inside the folder of images",
            where=str(folder),
            expected="a folder outside it: each run would change what it reads",
            remedy="Choose another place for the project",
        )
    return data.model_copy(update={"label": target})


def _labelled(data: Data, frame: pd.DataFrame, target: str) -> None:
    if data.format == "images" and target not in frame.columns:
        raise DataError(
            f"nothing says what {target!r} is of an image",
            where=data.source,
            expected="a subfolder for each class, or a table whose rows name the files and hold"
            f" a column {target!r}"
            + (f" ({data.table} has {', '.join(map(repr, frame.columns))})" if data.table else ""),
            remedy="Sort the images into subfolders, or put such a table beside them",
        )


def _require_target(data: Data, raw: RawTable, target: str, said: list[Check]) -> None:
    """Raise where the target is no column and the source shows why."""
    if target in raw.frame.columns:
        return
    left_out = [check for check in raw.checks if target in check.columns]
    if left_out:
        raise DataError(
            "cannot be predicted: it holds no single values", where=f"target {target!r}",
            remedy=left_out[0].remedy,
        )  # fmt: skip
    from toolkit import table

    found = table.find_header(data, target)
    if found:
        raise DataError(
            f"there is no column {target!r} in the header",
            where=data.source,
            expected=f"one of {', '.join(map(repr, list(raw.frame.columns)[:8]))}",
            remedy=f"{found[0]} holds it: give {found[1]}",
        )
    if data.format == "csv" and raw.frame.shape[1] == 1:
        raise DataError(
            f"there is no column {target!r}: the header is one field,"
            f" {str(raw.frame.columns[0])[:60]!r}",
            where=data.source,
            expected=f"fields separated by {data.delimiter!r}",
            remedy="Give the character that separates them with --delimiter (data.delimiter)",
        )
    doubtful = [check for check in said if check.name == "A header that looks like data"]
    if doubtful:
        raise DataError(
            f"there is no column {target!r}. " + doubtful[0].message.rstrip("."),
            where=data.source,
            remedy=doubtful[0].remedy,
        )


def _relative(data: Data, folder: Path) -> str:
    if data.format != "sql":
        return _from(folder, Path(data.source).expanduser().absolute())
    match = re.fullmatch(r"(sqlite(?:\+\w+)?:///)([^/?:$][^?]*)(.*)", data.source)
    if match is None:
        return data.source
    return match[1] + _from(folder, Path(match[2]).absolute()) + match[3]


def _from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path)


def _split(columns: Mapping[str, Column], target: Target, frame: pd.DataFrame) -> SplitSettings:
    """Propose a split: by the coarsest column that groups rows, if there is one."""
    from toolkit.table.types.groups import divisible

    places = {str(name): place for place, name in enumerate(frame.columns)}
    sizes = {
        name: frame.iloc[:, places[name]].value_counts().to_numpy()
        for name, column in columns.items()
        if column.role == "group"
    }
    fit = [name for name, counts in sizes.items() if divisible(counts)]
    if fit:
        return SplitSettings(method="group", column=min(fit, key=lambda name: len(sizes[name])))
    return SplitSettings(method="random" if target.task == "regression" else "stratified")


def _order(
    columns: dict[str, Column], target: str, frame: pd.DataFrame, split: SplitSettings
) -> list[Check]:
    """Look at the order of the rows: time without a date, and parts of a date."""
    from toolkit import table
    from toolkit.data.split.row_order import find_order, order_checks

    places = {str(name): place for place, name in enumerate(frame.columns)}

    def typed(rows: np.ndarray, names: list[str]) -> pd.DataFrame:
        some = frame.iloc[rows, [places[name] for name in names]]
        return table.conform(some, {name: columns[name] for name in names})

    return order_checks(find_order(len(frame), columns, target, typed), columns, target, split)


def _split_hints(columns: Mapping[str, Column]) -> list[Check]:
    dates = [name for name, column in columns.items() if column.type == "date"]
    if not dates:
        return []
    return [
        Check(
            name="Rows have dates",
            severity="warning",
            message=f"{', '.join(map(repr, dates[:4]))} may order the rows. Rows are split at"
            " random, which makes scores optimistic if the model will predict the future.",
            columns=dates,
            remedy=f"For that, set split.method to time and split.column to {dates[0]!r}",
        )
    ]
