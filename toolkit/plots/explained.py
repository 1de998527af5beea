"""What figures of an explanation share: whose values they are, and how bars are named."""

from __future__ import annotations

from typing import Any

from toolkit.artifacts import Explanation
from toolkit.errors import UsageError
from toolkit.plots.style import shorten


def chosen_class(explanation: Explanation, of: str | None) -> str:
    """Return the class asked for, or the first; raise where it was not explained."""
    if of is None:
        return explanation.classes[0]
    if of not in explanation.classes:
        raise UsageError(f"{of!r} was not explained", expected=", ".join(explanation.classes[:10]))
    return of


def output_words(explanation: Explanation, of: str) -> str:
    """Return in words what the values of a class add up to."""
    if len(explanation.classes) > 1:
        what = "log-odds" if explanation.space == "margin" else "probability"
        return f"{what} of the class {shorten(of)}"
    return shorten(explanation.output, 60)


def name_bars(axes: Any, names: list[str], length: int = 30) -> None:
    """Write names beside bars, the first on top."""
    axes.set_yticks(range(len(names)), [shorten(name, length) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
