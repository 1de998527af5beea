"""What each error costs: four numbers, or a table for several classes."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from toolkit.plots.style import shorten
from toolkit.widgets.kit import form
from toolkit.widgets.kit.panel import Panel, grid

_MOST_CLASSES = 12


def cost_fields(panel: Panel, classes: list[str]) -> w.VBox:
    """Return the inputs of the project's costs, as the task needs them.

    Parameters
    ----------
    panel : Panel
        Saves what is typed.
    classes : list of str
        The target's classes; binary: the positive one first.
    """
    task = panel.stage.project.target.task
    unit = panel.field("costs.unit")
    if task == "regression":
        words = "Regression has no cost matrix: the ranking metric measures the error itself."
        return w.VBox([form.paragraph(words, "toolkit-help"), unit])
    if task == "binary":
        return w.VBox([_binary(panel, classes), unit])
    return w.VBox([_matrix(panel, classes), unit])


def _binary(panel: Panel, classes: list[str]) -> w.GridBox:
    positive = str(panel.stage.project.target.positive)
    negative = next((name for name in classes if name != positive), f"not {positive}")
    yes, no = shorten(positive, 20), shorten(negative, 20)
    return grid(
        panel.field("costs.false_negative", label=f"{yes} taken for {no} (missed)"),
        panel.field("costs.false_positive", label=f"{no} taken for {yes} (false alarm)"),
        panel.field("costs.true_positive", label=f"{yes} correctly positive"),
        panel.field("costs.true_negative", label=f"{no} correctly negative"),
        width=240,
    )


def _matrix(panel: Panel, classes: list[str]) -> w.Widget:
    if not 1 < len(classes) <= _MOST_CLASSES:
        return form.paragraph(
            f"{len(classes)} classes are too many for a table here: write costs.matrix in"
            " project.yaml. What is not listed costs 1.",
            "toolkit-help",
        )
    matrix = panel.stage.project.costs.matrix
    cells: list[w.Widget] = [form.paragraph("Actual ↓  decided →", "toolkit-help")]
    cells += [form.paragraph(shorten(name, 14), "toolkit-label") for name in classes]
    for actual in classes:
        cells.append(form.paragraph(shorten(actual, 20), "toolkit-label"))
        for decided in classes:
            default = 0.0 if actual == decided else 1.0
            value = matrix.get(actual, {}).get(decided, default)
            cells.append(_cell(panel, actual, decided, value))
    return w.GridBox(
        cells,
        layout=w.Layout(grid_template_columns=f"minmax(90px, auto) repeat({len(classes)}, 84px)"),
    )


def _cell(panel: Panel, actual: str, decided: str, value: float) -> w.FloatText:
    box = w.FloatText(value=value, layout=w.Layout(width="76px"), continuous_update=False)
    box.tooltip = f"Cost of deciding {decided} when it is {actual}"

    def save(change: Any) -> None:
        key = ("costs", "matrix", actual, decided)
        panel.save({key: change.new}, f"cost of {decided} for {actual}")

    box.observe(save, "value")
    return box
