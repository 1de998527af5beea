"""The texts and images of a row, as a person sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from toolkit import table
from toolkit.table.images import images

if TYPE_CHECKING:
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor

_SIDE = 160

Content = tuple[str, str, str]
"""Column, ``text`` or ``image``, and the text itself or a ``data:`` address."""


def row_viewer(stage: Stage, model: Predictor) -> Callable[[int], list[Content]]:
    """Return a function that gives the texts and images of a test row, by its number.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        The model whose columns are shown.
    """
    test = table.load_part(stage, "test")
    place = {int(row): i for i, row in enumerate(test.rows)}
    kinds = {
        name: column.type
        for name, column in model.columns.items()
        if column.type in ("text", "image") and name in test.frame.columns
    }

    def view(row: int) -> list[Content]:
        if row not in place:
            return []
        found: list[Content] = []
        for name, kind in kinds.items():
            value = test.frame[name].iloc[place[row]]
            if isinstance(value, bytes):
                found.append((name, kind, images.thumbnail(value, _SIDE)))
            elif isinstance(value, str):
                found.append((name, kind, value))
        return found

    return view
