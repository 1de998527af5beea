"""When columns become known: a row for each, with how well it predicts and three answers."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from toolkit.artifacts import Suspect
from toolkit.plots.style import shorten
from toolkit.project.model import Project
from toolkit.widgets.kit import form
from toolkit.widgets.kit.static import table

_WORDS = (
    "The columns that predict the target best alone, or whose names speak of the outcome. Is the"
    " value known, **as it stands in the table**, when the prediction is made? What is known only"
    " after the outcome makes every score look better than the model will be; it reaches no model."
)
_ANSWERS = (("not said", None), ("before", "before"), ("only after", "after"))
_SHOWN = {value: label for label, value in _ANSWERS}


class KnownChoices(w.VBox):
    """Asks when each of some columns becomes known, and keeps the answers.

    Parameters
    ----------
    project : Project
        The choices as they are.
    strongest : sequence of Suspect
        The columns to ask about, the most informative first.
    save : callable
        Writes changes to the project file; False if they were refused.

    Attributes
    ----------
    choices : dict of str to ipywidgets.ToggleButtons
        The answer of each column.
    """

    def __init__(
        self,
        project: Project,
        strongest: Sequence[Suspect],
        save: Callable[[dict[Any, Any], str], bool],
    ) -> None:
        self._save = save
        self._showing = False
        answered = [n for n, c in project.columns.items() if c.known is not None]
        listed = {suspect.column for suspect in strongest}
        more = [Suspect(column=n, score=0, reason="") for n in answered if n not in listed]
        self._asked = [s for s in (*strongest, *more) if s.column in project.columns]
        self.choices: dict[str, w.ToggleButtons] = {}
        rows = [self._row(project, suspect) for suspect in self._asked]
        nothing = form.paragraph("No column predicts the target in the sample.", "toolkit-help")
        title = form.paragraph("When is each column known?", "toolkit-label")
        words = form.paragraph(_WORDS.replace("**", ""), "toolkit-help")
        super().__init__([title, words, *(rows or [nothing])])
        self.add_class("toolkit-known")

    def _row(self, project: Project, suspect: Suspect) -> w.Widget:
        name = suspect.column
        choice = self.choices[name] = w.ToggleButtons(
            options=list(_ANSWERS),
            value=project.columns[name].known,
            tooltips=[f"{name}: nobody has said", f"{name} is known when the prediction is made",
                      f"{name} is known only after the outcome: keep it out of the model"],
            style={"button_width": "92px"},
        )  # fmt: skip
        choice.observe(lambda change: self._chosen(name, change.new), "value")
        line = w.HBox([w.HTML(_strength(suspect)), choice], layout=w.Layout(flex_flow="row wrap"))
        said = [form.paragraph(f"⚠ {suspect.reason}", "toolkit-help")] if suspect.reason else []
        return w.VBox([line, *said])

    def _chosen(self, name: str, answer: str | None) -> None:
        if self._showing:
            return
        said = f"known {answer} the outcome" if answer else "not said when it is known"
        self._save({("columns", name, "known"): answer}, f"{name}: {said}")

    def show(self, project: Project) -> None:
        """Follow the project, which may have changed elsewhere."""
        self._showing = True
        for name, choice in self.choices.items():
            choice.value = project.columns[name].known
        self._showing = False

    def static(self, project: Project) -> str:
        """Return the columns and answers as a table."""
        if not self._asked:
            return ""
        rows = [
            (
                shorten(suspect.column, 40),
                f"{_blocks(suspect.score)} {suspect.score:.2f}",
                _SHOWN[project.columns[suspect.column].known],
                suspect.reason,
            )
            for suspect in self._asked
        ]
        head = ("Column", "Predicts alone, 0 to 1", "Known before the outcome?", "Why it is asked")
        return f"<h4>When is each column known?</h4>{table(head, rows)}"


def _strength(suspect: Suspect) -> str:
    name = html.escape(shorten(suspect.column, 34))
    whole = html.escape(suspect.column, quote=True)
    return (
        f'<div class="toolkit-strength"><b title="{whole}">{name}</b><meter min="0" max="1"'
        f' value="{suspect.score:.2f}" aria-label="predicts alone, of 1"></meter>'
        f"<span>{suspect.score:.2f}</span></div>"
    )


def _blocks(score: float) -> str:
    return "█" * round(10 * score) + "░" * (10 - round(10 * score))
