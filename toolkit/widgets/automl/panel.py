"""The panel of ``04_automl`` with the search's budget and constraints."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import ipywidgets as w

from toolkit import formats
from toolkit.automl import engines
from toolkit.automl.trial_plan import PRESETS, effective
from toolkit.widgets.kit import form
from toolkit.widgets.kit.column_picker import ColumnPicker
from toolkit.widgets.kit.panel import Panel, grid, table

if TYPE_CHECKING:
    from toolkit.automl.run_forecast import Forecast
    from toolkit.automl.task import Size
    from toolkit.run.stage import Stage

_MEANING = {
    "models": "models",
    "folds": "folds",
    "trials": "AutoKeras architectures",
    "epochs": "epochs for a network",
}


class AutomlPanel(Panel):
    """What the search may do: preset, engines, budget, constraints, and checks.

    Parameters
    ----------
    stage : Stage
        The open stage.
    missing : mapping of str to str, optional
        Engines that cannot run here, and why; see `toolkit.automl.missing_engines`.
    forecast : callable, optional
        Says how long the run will take; see `toolkit.automl.forecast`.

    Attributes
    ----------
    excluded, forced, monotonic : ColumnPicker
        The constraints on columns.
    tabs : ipywidgets.Tab
        The groups of fields.
    """

    def __init__(
        self,
        stage: Stage,
        missing: Mapping[str, str] | None = None,
        forecast: Callable[[], Forecast] | None = None,
    ) -> None:
        super().__init__(stage, "Search: budget and constraints", ["automl"])
        self._missing = dict(missing or {})
        self._forecast = forecast
        self._numbers = w.HTML()
        columns = stage.project.columns
        features = stage.project.features()
        numbers = [name for name in features if columns[name].type == "number"]
        self.excluded = ColumnPicker(
            self, "automl.constraints.exclude", "Excluded columns", features
        )
        self.forced = ColumnPicker(self, "automl.constraints.force", "Forced columns", features)
        self.monotonic = ColumnPicker(
            self, "automl.constraints.monotonic", "Columns with one direction", numbers,
            ("increasing", "decreasing"),
        )  # fmt: skip
        pages = {
            "Effort": self._effort(),
            "Engines": self._engines(),
            "Constraints": self._constraints(),
            "Rows and checks": self._checks(),
        }
        self.tabs = w.Tab(list(pages.values()), layout=w.Layout(width="100%"))
        for place, name in enumerate(pages):
            self.tabs.set_title(place, name)
        self.show(self._numbers, settings=[self.tabs])
        self.changed()

    def changed(self) -> None:
        """Say what the choices amount to."""
        self._numbers.value = self._in_numbers()
        for picker in (self.excluded, self.forced, self.monotonic):
            picker.update()

    # -- the tabs ----------------------------------------------------------------

    def _effort(self) -> w.Widget:
        budget = (
            ("models", "At most this many models"),
            ("seconds", "At most this many seconds"),
            ("trials", "AutoKeras: architectures"),
            ("epochs", "AutoKeras: epochs for a network"),
            ("threads", "Threads"),
            ("memory_gib", "H2O: memory of the Java heap, GiB"),
        )
        return w.VBox(
            [
                self.field("automl.preset"),
                form.paragraph(
                    "An empty field takes the preset's number, shown below. A number of models"
                    " is reproducible; a time limit is not, as how many models it allows"
                    " differs from run to run.",
                    "toolkit-help",
                ),
                grid(
                    *(self.field(f"automl.budget.{name}", label=label) for name, label in budget),
                    self.field("automl.folds"),
                    self.field(
                        "automl.early_stop", label="Stop early when the ensemble no longer improves"
                    ),
                ),
            ]
        )

    def _engines(self) -> w.Widget:
        lines = [
            (engine.title or form.words(engine.name), engine.description,
             self._missing.get(engine.name, "ready"))
            for engine in engines.installed_engines()
        ]  # fmt: skip
        return w.VBox(
            [
                self.field("automl.engines"),
                w.HTML(table(("Engine", "What it is", "Here"), lines)),
                self.field("automl.exclude", label="Algorithms left out"),
                grid(
                    self.field("h2o.url", label="H2O cluster"),
                    self.field("h2o.parquet_mib", label="H2O: import as a file above, MiB"),
                ),
            ]
        )

    def _constraints(self) -> w.Widget:
        return w.VBox(
            [
                grid(
                    self.field(
                        "automl.constraints.milliseconds",
                        label="At most this many milliseconds to score a row",
                    ),
                    self.field(
                        "automl.constraints.interpretable", label="Interpretable models only"
                    ),
                ),
                self.excluded,
                self.forced,
                self.monotonic,
            ]
        )

    def _checks(self) -> w.Widget:
        project = self.stage.project
        fields = [self.field("automl.sanity", label="Fit the best model on shuffled labels, too")]
        if project.target.task != "regression":
            fields.insert(0, self.field("automl.class_weights"))
        if any(column.type == "image" for column in project.columns.values()):
            fields.insert(0, self.field("automl.augmentation"))
        return w.VBox(fields)

    # -- what it amounts to --------------------------------------------------------

    def _rows(self, size: Size | None) -> list[tuple[str, ...]]:
        choices = self.stage.project.automl
        now = effective(choices, size)
        head = [
            (name + (" (chosen)" if name == choices.preset else ""),
             *(str(getattr(preset, key)) for key in _MEANING))
            for name, preset in PRESETS.items()
        ]  # fmt: skip
        return [*head, ("this search", *(str(getattr(now, key)) for key in _MEANING))]

    def _in_numbers(self) -> str:
        head = ("Preset", *(form.words(text) for text in _MEANING.values()))
        choices = self.stage.project.automl
        expected = None if self._forecast is None else self._forecast()
        said = [] if expected is None else [expected.text()]
        said.append(f"{len(choices.engines)} engines share the budget.")
        if choices.budget.seconds is not None:
            said.append(
                f"It ends after {formats.number(choices.budget.seconds, 6)} seconds with what it"
                f" has;"
                " the search is then not reproducible."
            )
        away = [form.words(name) for name in choices.engines if name in self._missing]
        if away:
            said.append(f"Not available here and left out: {', '.join(away)}.")
        rules = self.stage.project.automl.constraints
        kept = [name for name, value in rules if value not in (None, False, {}, [])]
        if kept:
            words = ", ".join(form.words(name).lower() for name in kept)
            said.append(f"Constraints are set: {words}.")
        text = " ".join(said)
        rows = self._rows(None if expected is None else expected.size)
        return f"{table(head, rows)}<p>{html.escape(text)}</p>"

    def static(self) -> str:
        """Return what the presets mean in numbers."""
        return self._in_numbers()

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return name, value and source of every field, those of columns too."""
        keys = [f"automl.constraints.{name}" for name in ("exclude", "force", "monotonic")]
        return super().static_rows() + [self.static_row(key) for key in keys]
