"""The panel of ``05_evaluate`` in which a threshold is tried on the test rows."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import Champion, CurvePoint
from toolkit.plots.evaluate import threshold as figures
from toolkit.plots.style import shorten
from toolkit.project.criteria import Costs
from toolkit.widgets.kit.panel import Panel, grid, table

if TYPE_CHECKING:
    from toolkit.evaluate import Thresholds
    from toolkit.run.stage import Stage

NOTE = (
    "A threshold chosen on the test rows would look better there than it is. Choose by the line,"
    " which comes from out-of-fold training rows; the test rows are only one dot, to be looked at."
)
_NONE = "A threshold is chosen for two classes only; this model predicts something else."


class ThresholdPanel(Panel):
    """Decisions and cost of the test rows at a threshold and costs that a person tries.

    Parameters
    ----------
    stage : Stage
        The open stage.
    champion : Champion
        For the threshold in use and the curve on the out-of-fold rows.
    effects : Thresholds, optional
        `toolkit.evaluate.thresholds`; None where there are not two classes.

    Attributes
    ----------
    slider : ipywidgets.FloatSlider
        The threshold tried.
    missed, alarm : ipywidgets.BoundedFloatText
        Costs of a missed positive and of a false alarm, tried here and not saved.
    keep, by_cost, cheapest : ipywidgets.Button
        Save the threshold tried, save the rule of least cost, and go to the cheapest.
    """

    def __init__(self, stage: Stage, champion: Champion, effects: Thresholds | None = None) -> None:
        super().__init__(stage, "The threshold", ["choice"])
        self.champion = champion
        self._effects = effects
        self._out = w.HTML()
        if effects is None or champion.threshold is None:
            self._out.value = f"<p>{_NONE}</p>"
            self.show(self._out)
            return
        costs = stage.project.costs
        positive, negative = shorten(effects.positive, 20), shorten(effects.negative, 20)
        self.slider = w.FloatSlider(
            value=champion.threshold, min=0, max=1, step=0.005, description="Threshold",
            readout_format=".3f", layout=w.Layout(width="100%"),
        )  # fmt: skip
        self.missed = _cost(costs.false_negative, f"Cost of {positive} taken for {negative}")
        self.alarm = _cost(costs.false_positive, f"Cost of {negative} taken for {positive}")
        self.keep = w.Button(description="Save this threshold", icon="check")
        self.by_cost = w.Button(description="Save: least cost", icon="undo")
        self.cheapest = w.Button(description="Go to the cheapest", icon="arrow-right")
        self.keep.on_click(lambda _: self._save(round(self.slider.value, 4)))
        self.by_cost.on_click(lambda _: self._save("cost"))
        self.cheapest.on_click(lambda _: self._to_cheapest())
        for each in (self.slider, self.missed, self.alarm):
            each.observe(lambda _: self._draw(), "value")
        settings = [
            w.HTML(f"<p>{NOTE}</p>"),
            self.slider,
            grid(self.missed, self.alarm, width=360),
            w.HTML(
                "<p>Costs typed here are only tried. They are set in <code>01_scoping</code>, where"
                " the metrics follow them.</p>"
            ),
            w.HBox([self.cheapest, self.keep, self.by_cost], layout=w.Layout(flex_flow="row wrap")),
        ]
        self.show(self._out, settings=settings)
        self._draw()

    @property
    def costs(self) -> Costs:
        """The project's costs, with those that are tried."""
        tried = {"false_negative": self.missed.value, "false_positive": self.alarm.value}
        return self.stage.project.costs.model_copy(update=tried)

    def _save(self, value: float | str) -> None:
        if self.save({"choice.threshold": value}, f"threshold {value}"):
            self.status(
                f"Saved to {self.stage.file.path.name}: threshold {value}. Run 04_automl and this"
                " notebook again for it to count."
            )

    def _to_cheapest(self) -> None:
        in_use = self.champion.threshold
        if in_use is not None and self._curve():
            self.slider.value = _least(self._curve(), in_use).threshold

    def _curve(self) -> list[CurvePoint]:
        if self._effects is None:
            return []
        # With the costs that the champion knows, its own curve; it may count rows by weights.
        if self.costs == self.stage.project.costs:
            return self.champion.threshold_curve
        return self._effects.recost(self.champion.threshold_curve, self.costs)

    def _draw(self) -> None:
        self._out.value = self._drawn(float(self.slider.value))

    def _drawn(self, threshold: float) -> str:
        effects, in_use = self._effects, self.champion.threshold
        if effects is None or in_use is None:
            return f"<p>{_NONE}</p>"
        costs, curve = self.costs, self._curve()
        here, before = effects(threshold, costs), effects(in_use, costs)
        figure = ""
        cheapest = None
        if curve:
            cheapest = _least(curve, in_use)
            figure = figures.tried(
                curve,
                current=in_use,
                cheapest=cheapest.threshold,
                threshold=threshold,
                test_cost=here.cost,
                unit=costs.unit,
            ).html()
        yes, no = shorten(effects.positive, 30), shorten(effects.negative, 30)
        confusion = table(
            ("Test rows: actual", f"decided {yes}", f"decided {no}"),
            [
                (yes, f"{here.hits:,}", f"{here.missed:,}"),
                (no, f"{here.wrong:,}", f"{here.left:,}"),
            ],
        )
        rows = [
            ("Mean cost a row", formats.number(here.cost, 4), formats.number(before.cost, 4)),
            (f"{yes} found (recall)", here.recall.text(), before.recall.text()),
            ("Flagged rightly (precision)", here.precision.text(), before.precision.text()),
            ("Wrongly flagged", here.false_positive_rate.text(), before.false_positive_rate.text()),
            ("Share flagged", formats.share(here.flagged), formats.share(before.flagged)),
        ]
        rates = table(
            (
                "On the test rows",
                f"at {formats.number(threshold)}",
                f"in use: {formats.number(in_use)}",
            ),
            rows,
        )
        said = f"In use: {formats.number(in_use, 4)} ({self.champion.threshold_rule})."
        if cheapest is not None:
            said += (
                f" Cheapest on the out-of-fold rows at these costs:"
                f" {formats.number(cheapest.threshold, 4)}, mean"
                f" cost {formats.number(cheapest.cost, 4)} a row."
            )
        return f'<p role="status">{html.escape(said)}</p>{figure}{confusion}{rates}'

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return the threshold that the project asks for."""
        return [self.static_row("choice.threshold")]

    def static(self) -> str:
        """Return the threshold in use and what it does to the test rows."""
        if self._effects is None or self.champion.threshold is None:
            return f"<p>{_NONE}</p>"
        return f"<p>{NOTE}</p>" + self._drawn(self.champion.threshold)


def _least(curve: list[CurvePoint], near: float) -> CurvePoint:
    """Return the cheapest point; of equally cheap ones the nearest to the threshold in use."""
    least = min(point.cost for point in curve)
    cheap = [point for point in curve if point.cost <= least + 1e-9]
    return min(cheap, key=lambda point: abs(point.threshold - near))


def _cost(value: float, description: str) -> Any:
    box = w.BoundedFloatText(value=value, min=0, max=1e12, step=0.5, description=description)
    box.style.description_width = "initial"
    box.layout.width = "100%"
    return box
