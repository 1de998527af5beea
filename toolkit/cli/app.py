"""The commands and their options; what they do lies in modules that are imported when run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit import __version__

app = typer.Typer(
    name="toolkit",
    help="From a table to a tuned, explained, governed model, in Jupyter and headless.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"toolkit {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    data: Annotated[
        str,
        typer.Option(
            metavar="FILE|FOLDER|URL",
            help="CSV, Parquet, Excel or .npz file, a folder of images, or a SQLAlchemy URL.",
        ),
    ],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict.")],
    query: Annotated[
        str | None, typer.Option(metavar="SQL", help="SQL: the query that returns the table.")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Excel: the sheet; the first by default.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The project's name; DIR's by default.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="CSV: its encoding, such as cp1252; else detected."),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="SIGN", help="CSV: what separates fields, such as ';' or tab."),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(metavar="SIGN", help="The decimal mark, '.' or ','.")
    ] = None,
    header_row: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="CSV and Excel: the header's line, counted from 1; 0 if there is none.",
        ),
    ] = None,
) -> None:
    """Make a project: read the table, infer what its columns are, write project.yaml."""
    from toolkit.cli.new import new_command

    reading = {
        "query": query, "sheet": sheet, "encoding": encoding, "delimiter": delimiter,
        "decimal": decimal, "header_row": header_row,
    }  # fmt: skip
    new_command(folder, data, target, name=name, **reading)


@app.command()
def example(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The example; all are listed without it.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The folder to make; NAME by default.")
    ] = None,
) -> None:
    """Make a project from a bundled example: data, choices, notebooks; or list the examples."""
    from toolkit.cli.example import example_command

    example_command(name, folder)


@app.command()
def run(
    folder: Folder,
    run_id: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="ID",
            help="The run's folder in DIR/runs. By default the newest run that is not done is"
            " gone on with, else a new one is named by the time (UTC).",
        ),
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="Run this stage alone.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="STAGE", help="Run this stage and those after it."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A choice that wins over project.yaml, such as automl.budget.models=8."
            " May be given again and again.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The most the whole chain may take.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute again what could be reused.")
    ] = False,
    reproduce: Annotated[
        bool,
        typer.Option("--reproduce", help="Then fit the champion again, as `toolkit reproduce`."),
    ] = False,
) -> int:
    """Run the notebooks without a browser; what still holds is reused.

    Exit codes: 0 done, 1 a stage failed (with --reproduce also: the champion cannot be had
    again), 2 usage or project error, 75 busy, 124 timeout, 138 kernel died, 143 terminated.
    """
    from toolkit.cli.run import run_command

    return run_command(
        folder,
        run=run_id,
        only=only,
        start=start,
        overrides=overrides or [],
        timeout=timeout,
        fresh=fresh,
        reproduce=reproduce,
    )


@app.command()
def reproduce(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run's folder, or a project's: its newest run.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Fit a run's champion again and say whether it comes out the same.

    Prints exact, within tolerance (with the largest difference), or not reproducible, and
    which part is the cause. Exit codes: 0 exact or within tolerance, 1 not reproducible.
    """
    from toolkit.cli.reproduce import reproduce_command

    return reproduce_command(folder, as_json=as_json)


@app.command()
def status(folder: Folder) -> None:
    """Show runs and stages: state, time, champion."""
    from toolkit.cli.status import status_command

    status_command(folder)


@app.command()
def schema() -> None:
    """Print the JSON Schema of project.yaml, for editors."""
    from toolkit.canonical import dumps
    from toolkit.project.schema import json_schema

    print(dumps(json_schema()), end="")


@app.command()
def doctor(
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Really start Java, H2O, the engines, a kernel, a browser."),
    ] = False,
) -> int:
    """Check what the toolkit needs on this machine, and say how to get what is missing."""
    from toolkit.cli.doctor import doctor_command

    return doctor_command(deep=deep)
