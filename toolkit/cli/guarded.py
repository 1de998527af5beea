"""Whatever goes wrong is one line and an exit code; a traceback goes to a file."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from toolkit.errors import ToolkitError

_INTERRUPTED = 130


def call(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    app : typer.Typer
        The commands.
    arguments : sequence of str
        What stands after ``toolkit``.
    """
    try:
        result = app(list(arguments), prog_name="toolkit", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except ToolkitError as error:
        return _say(error.line(), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if hasattr(error, "format_message"):  # typer's own complaint about the usage
            return _say(_usage(error), int(getattr(error, "exit_code", 2)))
        return _unexpected(error)


def _say(line: str, code: int) -> int:
    print(f"error: {line}", file=sys.stderr, flush=True)
    return code


def _usage(error: Exception) -> str:
    message = " ".join(str(error.format_message()).split()).rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    if not message:
        message = "something is missing"
    command = context.command_path if context is not None else "toolkit"
    return f"{message}{'' if message.endswith('?') else '.'} Try `{command} --help`"


def _unexpected(error: Exception) -> int:
    text = " ".join(str(error).split())
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix="toolkit-error-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            traceback.print_exception(error, file=stream)
        return _say(f"{line} (a defect of the toolkit; details: {Path(name)})", 1)
    return _say(line, 1)
