"""What figures of an explanation share: whose values they are, and how bars are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.artifacts import Explanation
from toolkit.errors import UsageError
from toolkit.plots.style import RED, shorten


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


def marked(name: str, suspects: Sequence[str], length: int = 30) -> str:
    """Return a column's name, shortened, with a mark where it may leak the target."""
    return f"{shorten(name, length)} ⚠ may leak" if name in suspects else shorten(name, length)


def name_bars(axes: Any, names: list[str], length: int = 30, suspects: Sequence[str] = ()) -> None:
    """Write names beside bars, the first on top; `suspects` may leak the target."""
    axes.set_yticks(range(len(names)), [marked(name, suspects, length) for name in names])
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        if name in suspects:
            label.set_color(RED)
    axes.set_ylim(len(names) - 0.5, -0.5)
