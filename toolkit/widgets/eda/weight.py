"""The choice of the column that says how much each row counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from toolkit.project.model import Project
from toolkit.widgets.kit import form

_WORDS = (
    "A column of numbers that says how much a row counts, in fitting and in scores: a survey's"
    " weight, the exposure of a policy. Models do not get it."
)


class WeightChoice(w.VBox):
    """A dropdown of the number columns, which gives one of them the role `weight`.

    Parameters
    ----------
    project : Project
        The choices as they are.
    save : callable
        Writes changes to the project file; False if they were refused.

    Attributes
    ----------
    choice : ipywidgets.Dropdown
        The column, or None.
    """

    def __init__(self, project: Project, save: Callable[[dict[Any, Any], str], bool]) -> None:
        self._save = save
        names = [
            name
            for name, column in project.columns.items()
            if column.type == "number" and column.role != "target"
        ]
        self.choice = w.Dropdown(
            options=[("every row counts alike", None), *((form.shown(n), n) for n in names)],
            value=project.weight(),
            layout=w.Layout(width="100%", max_width="420px"),
        )
        self.choice.observe(lambda change: self._chosen(change.old, change.new), "value")
        super().__init__(
            [
                form.paragraph("Weight", "toolkit-label"),
                self.choice,
                form.paragraph(_WORDS, "toolkit-help"),
            ]
        )

    def _chosen(self, before: str | None, name: str | None) -> None:
        changes: dict[Any, Any] = {}
        if before is not None:
            changes["columns", before, "role"] = "feature"
        if name is not None:
            changes["columns", name, "role"] = "weight"
        self._save(changes, f"rows count by {name}" if name else "every row counts alike")
