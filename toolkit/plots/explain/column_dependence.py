"""SHAP values of a column against its own values, coloured by those of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit import formats
from toolkit.errors import UsageError
from toolkit.plots.explain.effects import date_axis
from toolkit.plots.style import GREY, PALETTE, Plot, canvas, shorten

if TYPE_CHECKING:
    from toolkit.artifacts import Attributions, Explanation

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?")
_OTHER, _MISSING = "#8B8F97", "#C4C7CC"
_COLOURS, _LEVELS = 6, 12
_MARKS = "osD^vP"


def dependence_with(
    explanation: Explanation,
    attributions: Attributions,
    column: str,
    other: str,
    of: str | None = None,
) -> Plot:
    """Draw a column's SHAP values against its values, coloured by another column's.

    Where the colours part, the effect of the one depends on the other.

    Parameters
    ----------
    explanation, attributions
        What was computed.
    column, other : str
        The column along the axis, and the one that gives the colour.
    of : str, optional
        The class; the first by default.
    """
    of = explanation.classes[0] if of is None else of
    frame = attributions.frame
    frame = frame[frame["class"].astype(str) == of]
    parts = {name: frame[frame["column"] == name].set_index("row") for name in (column, other)}
    for name, part in parts.items():
        if part.empty:
            raise UsageError(
                f"column {name!r} was not explained",
                expected=", ".join(i.column for i in explanation.importance[explanation.classes[0]]
                                   [:8]),
            )  # fmt: skip
    own = parts[column]
    colour = parts[other].reindex(own.index)
    shap = own["shap"].to_numpy()
    spread = np.corrcoef(shap, _ranks(colour))[0, 1] if len(set(shap)) > 2 else np.nan
    alt = (
        f"{len(own)} rows; {explanation.called}s from {formats.number(shap.min())} to"
        f" {formats.number(shap.max())}"
        + ("." if np.isnan(spread) else f"; correlation with {other} {spread:.2f}.")
    )
    title = f"How {shorten(column)} moves the output, by {shorten(other)}"
    with canvas(title, alt, height=3.8) as sheet:
        axes = sheet.axes
        sheet.figure.set_dpi(160)
        axes.axhline(0, color=GREY, linewidth=0.8)
        x = _along(axes, own, column)
        _coloured(axes, x, shap, colour, other)
        axes.set_ylabel(explanation.called)
    return sheet.plot


def _numbers(part: pd.DataFrame) -> tuple[np.ndarray, bool] | None:
    """Return cells as numbers (dates in days) and whether they are dates; None for categories."""
    numbers = part["number"].to_numpy(dtype=np.float64)
    if not np.isnan(numbers).all():
        return numbers, False
    known = part["value"].dropna().astype(str)
    if len(known) and all(_DATE.fullmatch(text) for text in known):
        times = pd.to_datetime(part["value"].astype(object), errors="coerce")
        days = (times - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        return days.to_numpy(dtype=np.float64), True
    return None


def _levels(part: pd.DataFrame, most: int) -> tuple[list[str], np.ndarray]:
    """Return the most frequent levels, and each row's place among them (-1: none of them)."""
    counts = part["value"].dropna().astype(str).value_counts()
    names = sorted(counts.index, key=lambda level: (-counts[level], level))[:most]
    place = {name: i for i, name in enumerate(names)}
    return names, np.array(
        [place.get(v, -1) if isinstance(v, str) else -1 for v in part["value"].astype(object)]
    )


def _ranks(part: pd.DataFrame) -> np.ndarray:
    found = _numbers(part)
    values = _levels(part, len(part))[1].astype(np.float64) if found is None else found[0]
    return np.nan_to_num(np.unique(values, return_inverse=True)[1].astype(np.float64))


def _along(axes: Any, part: pd.DataFrame, column: str) -> np.ndarray:
    """Return where the rows stand along the axis, and label it."""
    found = _numbers(part)
    axes.set_xlabel(shorten(column, 60))
    if found is None:
        names, codes = _levels(part, _LEVELS)
        missing = part["value"].isna().to_numpy()
        labels = [shorten(name, 16) for name in names]
        for word, some in (("(rarer)", (codes < 0) & ~missing), ("(missing)", missing)):
            if some.any():
                codes[some] = len(labels)
                labels.append(word)
        turn = {"rotation": 25, "ha": "right"} if len(labels) > 4 else {}
        axes.set_xticks(range(len(labels)), labels, **turn)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.grid(axis="x", visible=False)
        return codes + _jitter(len(part))
    x, dates = found
    lacking = np.isnan(x)
    if lacking.any() and not lacking.all():
        low, high = np.nanmin(x), np.nanmax(x)
        at = low - 0.07 * ((high - low) or 1.0)
        x = np.where(lacking, at, x)
        axes.axvline(at + 0.03 * ((high - low) or 1.0), color=GREY, linewidth=0.6, linestyle=":")
        axes.text(at, 1.0, "missing", transform=axes.get_xaxis_transform(), fontsize=8,
                  ha="center", va="bottom")  # fmt: skip
    if dates:
        date_axis(axes)
    return x


def _jitter(rows: int) -> np.ndarray:
    """Return offsets from -0.25 to 0.25 that look random and are the same each time."""
    return ((np.arange(rows) * 0.618034) % 1 - 0.5) * 0.5


def _coloured(axes: Any, x: np.ndarray, y: np.ndarray, part: pd.DataFrame, other: str) -> None:
    found = _numbers(part)
    lacking = part["value"].isna().to_numpy() if found is None else np.isnan(found[0])
    if lacking.any():
        axes.scatter(x[lacking], y[lacking], s=14, color=_MISSING, label="missing", marker="X",
                     rasterized=True)  # fmt: skip
    if found is None:
        names, codes = _levels(part, _COLOURS)
        rest = (codes < 0) & ~lacking
        if rest.any():
            axes.scatter(x[rest], y[rest], s=10, color=_OTHER, label="(others)", rasterized=True)
        for place, name in enumerate(names):
            some = codes == place
            axes.scatter(x[some], y[some], s=16, color=PALETTE[place], marker=_MARKS[place],
                         label=shorten(name, 22), rasterized=True)  # fmt: skip
    else:
        values, known = found[0], ~lacking
        if known.any():
            distinct, rank = np.unique(values[known], return_inverse=True)
            drawn = axes.scatter(x[known], y[known], s=14, c=rank / max(1, len(distinct) - 1),
                                 cmap="viridis", vmin=0, vmax=1, rasterized=True)  # fmt: skip
            bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02, aspect=30)
            ends = distinct[np.array([0, len(distinct) // 2, len(distinct) - 1])]
            words = [
                str(np.datetime64(int(v), "D")) if found[1] else formats.number(v, 4)
                for v in ends.tolist()
            ]
            bar.set_ticks([0, 0.5, 1], labels=words)
            bar.set_label(shorten(other, 40))
    if found is None or lacking.any():
        axes.legend(fontsize=8, title=shorten(other, 30), title_fontsize=8, loc="best",
                    framealpha=0.85, frameon=True, edgecolor="none")  # fmt: skip
