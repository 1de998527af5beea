"""The figure of a threshold that is being tried."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit import formats
from toolkit.artifacts import CurvePoint
from toolkit.plots.style import BLUE, GREEN, GREY, RED, Plot, canvas, shorten


def tried(
    curve: Sequence[CurvePoint],
    *,
    current: float,
    cheapest: float,
    threshold: float,
    test_cost: float,
    unit: str = "",
) -> Plot:
    """Draw the cost over thresholds on out-of-fold rows, and a threshold that is tried.

    The test rows are one dot, at the threshold tried: a curve of them would invite to choose
    by them, and the cost of a threshold chosen on the test rows is optimistic there.

    Parameters
    ----------
    curve : sequence of CurvePoint
        The out-of-fold rows.
    current, cheapest, threshold : float
        The threshold in use, the cheapest on the curve, and the one tried.
    test_cost : float
        Mean cost a row of the test rows at the one tried.
    unit : str
        Of the costs.
    """
    points = sorted(curve, key=lambda each: each.threshold)
    alt = (
        f"In use {formats.number(current)}; cheapest on the out-of-fold rows"
        f" {formats.number(cheapest)}; tried"
        f" {formats.number(threshold)}, where the test rows cost {formats.number(test_cost, 4)}"
        f" a row."
    )
    title = "Mean cost a row" + (f" in {shorten(unit)}" if unit else "") + ", by threshold"
    with canvas(title, alt, height=3.3) as sheet:
        axes = sheet.axes
        axes.plot([p.threshold for p in points], [p.cost for p in points], color=BLUE,
                  label="out-of-fold rows")  # fmt: skip
        axes.axvline(current, color=GREY, linestyle="--", linewidth=1.3,
                     label=f"in use: {formats.number(current)}")  # fmt: skip
        axes.axvline(cheapest, color=GREEN, linestyle=":", linewidth=1.6,
                     label=f"cheapest out of fold: {formats.number(cheapest)}")  # fmt: skip
        axes.plot(threshold, test_cost, "o", color=RED, markersize=8,
                  label=f"test rows at {formats.number(threshold)}")  # fmt: skip
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("threshold")
        axes.set_ylabel("mean cost a row")
        axes.legend(fontsize=8)
    return sheet.plot
