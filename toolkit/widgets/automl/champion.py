"""The panel of ``04_automl`` in which the champion is chosen."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import Champion, Entry, Leaderboard
from toolkit.errors import ToolkitError
from toolkit.plots.automl import search as figures
from toolkit.plots.automl.shared import interval, number
from toolkit.widgets.kit.panel import Panel, checks_html, grid, table

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

_BEST = "best"
_LIMITS = [
    ("precision at least", "precision >="),
    ("recall at least", "recall >="),
    ("flagged share at most", "flagged <="),
    ("flagged share at least", "flagged >="),
]


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
    limit, at, hold : ipywidgets.Widget
        A limit that the threshold must keep to, its value, and the button that saves both.
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
        wide = w.Layout(width="100%")
        self.picker = w.Dropdown(
            options=self._options(choice.champion), value=choice.champion,
            description="Champion", layout=wide,
        )  # fmt: skip
        self.reason = w.Text(
            value=choice.reason, description="Reason", layout=wide,
            placeholder="needed when it is not the best",
        )  # fmt: skip
        self.apply = w.Button(description="Save champion", icon="check", button_style="primary")
        self.apply.on_click(lambda _: self._save_champion())
        self._threshold = self._thresholds()
        settings = [
            grid(self.picker, self.reason),
            self.apply,
            grid(
                self.field("choice.ensemble", label="The ensemble across engines"),
                self.field("choice.calibration"),
                self.field("choice.coverage", label="Coverage of intervals and sets"),
            ),
            self._threshold,
        ]
        self.show(self._figures, settings=settings)
        self._draw()

    def _thresholds(self) -> w.Widget:
        self.slider = w.FloatSlider(
            value=0.5, min=0, max=1, step=0.01, description="Try a threshold",
            continuous_update=True, readout_format=".2f", layout=w.Layout(width="100%"),
        )  # fmt: skip
        self.slider.style.description_width = "initial"
        self._tried = w.HTML()
        self.keep = w.Button(description="Use this threshold", icon="check")
        self.by_cost = w.Button(description="Back to least cost", icon="undo")
        self.limit = w.Dropdown(
            options=_LIMITS, description="Or keep to", layout={"width": "280px"}
        )
        self.at = w.BoundedFloatText(
            value=0.9, min=0, max=1, step=0.01, layout=w.Layout(width="90px")
        )
        self.hold = w.Button(description="Use this limit", icon="check")
        self.slider.observe(lambda _: self._try(), "value")
        self.keep.on_click(lambda _: self.save({"choice.threshold": round(self.slider.value, 4)}))
        self.by_cost.on_click(lambda _: self.save({"choice.threshold": "cost"}))
        self.hold.on_click(lambda _: self._save_limit())
        return w.VBox(
            [
                self.slider,
                self._tried,
                w.HBox([self.keep, self.by_cost]),
                w.HBox([self.limit, self.at, self.hold], layout=w.Layout(flex_flow="row wrap")),
            ],
            layout=w.Layout(width="100%"),
        )

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

    def _save_limit(self) -> None:
        rule = f"{self.limit.value} {self.at.value:.4f}".rstrip("0").rstrip(".")
        self.save({"choice.threshold": rule}, f"threshold: {rule}")

    def _try(self) -> None:
        if not self.champion.threshold_curve:
            return
        here = min(
            self.champion.threshold_curve, key=lambda p: abs(p.threshold - self.slider.value)
        )
        parts = [
            f"mean cost {formats.number(here.cost, 4)} a row",
            f"{formats.percent(here.flagged)} of rows flagged",
        ]
        if here.recall is not None:
            parts.append(f"{formats.percent(here.recall)} of positives found")
        if here.precision is not None:
            parts.append(f"{formats.percent(here.precision)} of flagged rows positive")
        self._tried.value = (
            f'<div role="status">At {here.threshold:.2f}: {html.escape(", ".join(parts))}</div>'
        )

    def _options(self, chosen: str) -> list[tuple[str, str]]:
        by_rule = f" (now {self.champion.name})" if self.champion.rule == "best" else ", by rule"
        options = [(f"best{by_rule}", _BEST)]
        options += [(f"{e.name}: {number(e.score.value)}{_marks(e)}", e.name)
                    for e in self.leaderboard.entries]  # fmt: skip
        if chosen not in [value for _, value in options]:
            options.append((f"{chosen} (not on this leaderboard)", chosen))
        return options

    def _drawn(self) -> str:
        plots = [figures.calibration(self.champion), figures.threshold(self.champion)]
        shown = [plot.html() for plot in plots if self.champion.calibration_before]
        return "".join(shown) + self._facts()

    def _facts(self) -> str:
        found = self.champion
        rows = [
            ("Model", f"{found.name} ({found.family})"),
            ("Chosen", f"{found.rule}: {found.reason}"),
        ]
        entry = next((e for e in self.leaderboard.entries if e.name == found.name), None)
        if entry is not None and entry.members:
            parts = sorted(entry.members.items(), key=lambda item: -item[1])
            rows.append(
                ("Members", ", ".join(f"{name} {formats.percent(share)}" for name, share in parts))
            )
        if entry is not None and entry.violates:
            rows.append(("Violates a constraint", " ".join(entry.violates)))
        if found.calibration_scores:
            scores = ", ".join(
                f"{k} {formats.number(v, 4)}" for k, v in found.calibration_scores.items()
            )
            rows.append(
                ("Calibration", f"{found.calibration} (cross-validated log loss: {scores})")
            )
        if found.threshold is not None:
            rows.append(
                ("Threshold", f"{formats.number(found.threshold, 4)}: {found.threshold_rule}")
            )
        return table(("The champion", ""), rows + _trust(found)) + checks_html(found.checks)

    def static(self) -> str:
        """Return the figures, the champion with its checks, and the choice."""
        choice = self.stage.project.choice
        rows = [("Champion", choice.champion), ("Reason", choice.reason or "not set"),
                ("Threshold", str(choice.threshold))]  # fmt: skip
        return self._drawn() + table(("Choice", ""), rows)


def _marks(entry: Entry) -> str:
    if entry.violates:
        return " (✖ violates a constraint)"
    return " (not clearly worse than the first)" if entry.within_noise else ""


def _trust(found: Champion) -> list[tuple[str, str]]:
    rows = []
    if found.holdout is not None:
        text = interval(found.holdout.score)
        if found.holdout.optimism is not None:
            optimism = formats.number(found.holdout.optimism, 2, sign=True)
            text += f"; optimism of the selection {optimism}"
        rows.append((f"On {found.holdout.rows:,} holdout rows", text))
    if found.shuffled is not None:
        text = f"{interval(found.shuffled.score)}; a constant guess {number(found.shuffled.chance)}"
        rows.append(("On shuffled labels", text))
    if found.conformal is not None:
        measured = found.conformal.measured.value
        text = "unknown" if measured is None else formats.share(measured)
        rows.append((f"Coverage, nominal {formats.percent(found.conformal.coverage)}", text))
    return rows
