"""Panels of ``04_automl``: the budget, the search as it goes on, and the champion."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from toolkit import metrics
from toolkit.artifacts import Champion, Interval, Leaderboard, Search
from toolkit.errors import ToolkitError
from toolkit.plots import automl as figures
from toolkit.widgets.base import Panel, checks_html, grid, table
from toolkit.widgets.static import Html

if TYPE_CHECKING:
    from toolkit.automl.searching import LiveRow
    from toolkit.run.stage import Stage

_BUDGET = ("models", "trials", "epochs", "seconds", "memory_gib", "threads")
_BEST = "best"


class AutomlPanel(Panel):
    """What the search may do: engines, folds, and the budget.

    Parameters
    ----------
    stage : Stage
        The open stage.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "The search and its budget", ["automl"])
        self.show(
            self.field("automl.engines"),
            grid(
                *(self.field(f"automl.budget.{name}") for name in _BUDGET),
                self.field("automl.folds"),
                self.field("automl.exclude"),
            ),
        )


class LiveLeaderboard(w.HTML):
    """The leaderboard while the search runs: hand `update` to `toolkit.automl.search`.

    Parameters
    ----------
    stage : Stage
        The open stage.
    """

    def __init__(self, stage: Stage) -> None:
        metric, reason = metrics.resolve(stage.project)
        self._rows: list[tuple[str, str, str, str]] = []
        self._title = f"{metrics.get(metric).title}. {reason}"
        super().__init__(self.static_html())

    def update(self, metric: str, rows: Sequence[LiveRow]) -> None:
        """Show the models so far, best first.

        Parameters
        ----------
        metric : str
            The ranking metric.
        rows : sequence of LiveRow
            Names, engines, families and scores on the validation rows.
        """
        self._title = metrics.get(metric).title
        self._rows = [
            (
                row.name,
                row.engine,
                row.family,
                "unknown" if row.score is None else f"{row.score:.4g}",
            )
            for row in rows
        ]
        self.value = self.static_html()

    def static_html(self) -> str:
        """Return the leaderboard as it is now."""
        body = (
            table(("Model", "Engine", "Algorithm", "Validation score"), self._rows)
            if self._rows
            else "<p>No model yet: run the next cell.</p>"
        )
        return f'<div role="status"><p>{html.escape(self._title)}</p>{body}</div>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        bundle["text/html"] = self.static_html()
        bundle["text/plain"] = "LiveLeaderboard"
        return bundle


class ChampionPanel(Panel):
    """Which model is used, how it is calibrated, and where the threshold lies.

    Parameters
    ----------
    stage : Stage
        The open stage.
    leaderboard : Leaderboard
        The models to choose from.
    champion : Champion
        What `toolkit.automl.choose` made of the choices so far.
    choose : callable, optional
        `toolkit.automl.rechoose`: with it every saved choice is carried out at once, and
        the figures follow.

    Attributes
    ----------
    champion : Champion
        The champion by the choices as they are now.
    picker, reason, apply : ipywidgets.Widget
        Model, reason, and the button that saves both together.
    slider : ipywidgets.FloatSlider
        A threshold to try; its cost is shown while it moves, and saved by ``keep``.
    """

    def __init__(
        self,
        stage: Stage,
        leaderboard: Leaderboard,
        champion: Champion,
        choose: Callable[[Stage], Champion] | None = None,
    ) -> None:
        super().__init__(stage, "The champion", ["choice"])
        self.leaderboard = leaderboard
        self.champion = champion
        self._choose = choose
        self._figures = w.HTML()
        choice = stage.project.choice
        self.picker = w.Dropdown(
            options=self._options(choice.champion),
            value=choice.champion,
            description="Champion",
            layout=w.Layout(width="100%"),
        )
        self.reason = w.Text(
            value=choice.reason,
            description="Reason",
            placeholder="needed when it is not the best",
            layout=w.Layout(width="100%"),
        )
        self.apply = w.Button(description="Save champion", icon="check", button_style="primary")
        self.apply.on_click(lambda _: self._save_champion())
        self.slider = w.FloatSlider(
            value=0.5, min=0, max=1, step=0.01, description="Try a threshold",
            continuous_update=True, readout_format=".2f", layout=w.Layout(width="100%"),
        )  # fmt: skip
        self.slider.style.description_width = "initial"
        self._tried = w.HTML()
        self.keep = w.Button(description="Use this threshold", icon="check")
        self.by_cost = w.Button(description="Back to least cost", icon="undo")
        self.slider.observe(lambda _: self._try(), "value")
        self.keep.on_click(lambda _: self.save({"choice.threshold": round(self.slider.value, 4)}))
        self.by_cost.on_click(lambda _: self.save({"choice.threshold": "cost"}))
        self._threshold = w.VBox(
            [self.slider, self._tried, w.HBox([self.keep, self.by_cost])],
            layout=w.Layout(width="100%"),
        )
        self.show(
            grid(self.picker, self.reason),
            self.apply,
            self.field("choice.calibration"),
            self._threshold,
            self._figures,
        )
        self._draw()

    def changed(self) -> None:
        """Carry out the choices as they are now, and draw what came out."""
        if self._choose is None:
            return
        try:
            self.champion = self._choose(self.stage)
        except ToolkitError as error:
            self.status(error.line(), error=True)
            return
        self._draw()

    def _draw(self) -> None:
        cut = self.champion.threshold
        self._threshold.layout.display = "" if cut is not None else "none"
        if cut is not None:
            self.slider.value = cut
            self._try()
        self._figures.value = self._drawn()

    def _save_champion(self) -> None:
        name, reason = self.picker.value, self.reason.value.strip()
        self.save(
            {"choice.champion": name, "choice.reason": "" if name == _BEST else reason},
            f"champion {name}",
        )

    def _try(self) -> None:
        if not self.champion.threshold_curve:
            return
        here = min(
            self.champion.threshold_curve, key=lambda p: abs(p.threshold - self.slider.value)
        )
        parts = [f"mean cost {here.cost:.4g} a row", f"{here.flagged:.0%} of rows flagged"]
        if here.recall is not None:
            parts.append(f"{here.recall:.0%} of positives found")
        if here.precision is not None:
            parts.append(f"{here.precision:.0%} of flagged rows positive")
        self._tried.value = (
            f'<div role="status">At {here.threshold:.2f}: {html.escape(", ".join(parts))}</div>'
        )

    def _options(self, chosen: str) -> list[tuple[str, str]]:
        entries = self.leaderboard.entries
        options = [(f"best (now {entries[0].name})", _BEST)]
        for entry in entries:
            score = "unknown" if entry.score.value is None else f"{entry.score.value:.4g}"
            options.append((f"{entry.name}: {score}", entry.name))
        if chosen not in [value for _, value in options]:
            options.append((f"{chosen} (not on this leaderboard)", chosen))
        return options

    def _drawn(self) -> str:
        plots = [figures.calibration(self.champion), figures.threshold(self.champion)]
        shown = [plot.html() for plot in plots if self.champion.calibration_before]
        return self._facts() + "".join(shown)

    def _facts(self) -> str:
        champion = self.champion
        rows = [
            ("Model", f"{champion.name} ({champion.family})"),
            ("Chosen", f"{champion.rule}: {champion.reason}"),
        ]
        if champion.calibration_scores:
            scores = ", ".join(f"{k} {v:.4g}" for k, v in champion.calibration_scores.items())
            rows.append(
                ("Calibration", f"{champion.calibration} (cross-validated log loss: {scores})")
            )
        if champion.threshold is not None:
            rows.append(("Threshold", f"{champion.threshold:.4g}: {champion.threshold_rule}"))
        return table(("The champion", ""), rows) + checks_html(champion.checks)

    def static(self) -> str:
        """Return the choice, the champion and its checks."""
        choice = self.stage.project.choice
        rows = [("Champion", choice.champion), ("Reason", choice.reason or "not set"),
                ("Threshold", str(choice.threshold))]  # fmt: skip
        return table(("Choice", ""), rows) + self._facts()


def search_summary(leaderboard: Leaderboard, search: Search) -> Html:
    """Return what each engine did and the ranked models, as tables for a notebook."""
    engines = [
        (
            run.engine,
            run.version,
            run.models,
            f"{run.seconds:.0f}",
            "; ".join(run.failures) or "none",
        )
        for run in search.engines
    ]
    title = metrics.get(leaderboard.metric).title
    models = [
        (
            entry.name,
            entry.family,
            _interval(entry.score),
            "may be chance" if entry.within_noise else "",
            f"{entry.size_kib:g}",
            ", ".join(f"{name}: {value}" for name, value in entry.details.items()),
        )
        for entry in leaderboard.entries
    ]
    again = "The search can be repeated." if search.reproducible else "A replay may differ."
    return Html(
        table(("Engine", "Version", "Models", "Seconds", "What did not work"), engines)
        + table(("Model", "Algorithm", title, "Difference to the best", "KiB", "Details"), models)
        + f"<p>{html.escape(again)} {html.escape(search.reproducible_reason)}</p>"
        + (checks_html(search.checks) if search.checks else "")
    )


def _interval(score: Interval) -> str:
    if score.value is None:
        return "unknown"
    if score.low is None or score.high is None:
        return f"{score.value:.4g}"
    return f"{score.value:.4g} ({score.low:.4g} to {score.high:.4g})"
