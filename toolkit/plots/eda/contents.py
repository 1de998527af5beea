"""Figures of what texts and images hold: distinctive words, examples by class, mistakes."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.artifacts import ColumnProfile, Evaluation, Profile, Thumbnail
from toolkit.plots import style
from toolkit.plots.style import Plot

_CELL = 64
_GAP = 4
_ACROSS = 10
_PANELS = 6


def figures(profile: Profile, name: str) -> list[Plot]:
    """Return what can be drawn of a text or image column's content; nothing of other columns."""
    facts = _column(profile, name)
    drawn = []
    if facts.pictures:
        drawn.append(sheet(profile, name))
    if facts.words:
        drawn.append(words(profile, name))
    return drawn


def sheet(profile: Profile, name: str) -> Plot:
    """Draw examples of an image column by class: a line of pictures for each.

    Parameters
    ----------
    profile : Profile
        The table in numbers.
    name : str
        The column.
    """
    facts = _column(profile, name)
    lines: dict[str, list[Thumbnail]] = {}
    for picture in facts.pictures:
        lines.setdefault(picture.label, []).append(picture)
    title = f"Images of {style.shorten(name, 40)} by class, drawn at random"
    alt = f"Contact sheet: {len(facts.pictures)} images of {len(lines)} classes, " + ", ".join(
        f"{label} ({len(found)})" for label, found in list(lines.items())[:12]
    )
    grid = [[_pixels(each) for each in found[:_ACROSS]] for found in lines.values()]
    width = max((len(line) for line in grid), default=1)
    with style.canvas(title, alt + ".", width=1.4 + 0.62 * width,
                      height=0.3 + 0.62 * len(grid)) as made:  # fmt: skip
        _show(made.axes, _montage(grid, width))
        centres = [_GAP + row * (_CELL + _GAP) + _CELL / 2 for row in range(len(grid))]
        made.axes.set_yticks(centres, [style.shorten(label, 22) for label in lines])
        made.axes.set_xticks([])
    return made.plot


def mistakes(evaluation: Evaluation) -> Plot:
    """Draw the images of the test rows on which the model was most certain and wrong."""
    shown = evaluation.mistakes
    title = "Most confident misclassified test images: actual → predicted"
    if not shown:
        with style.canvas(title, "There is none.", height=0.8) as made:
            made.axes.text(0, 0.5, "There is none.", va="center")
            made.axes.set_axis_off()
        return made.plot
    across = 8
    rows = [shown[i : i + across] for i in range(0, len(shown), across)]
    alt = f"{len(shown)} wrong test rows: " + "; ".join(
        f"row {each.row}, {each.label} {each.said}" for each in shown[:8]
    )
    with style.canvas(title, alt + ".", width=8, height=1.32 * len(rows), rows=len(rows),
                      cols=across) as made:  # fmt: skip
        axes = np.atleast_1d(made.axes).ravel()
        for axis, each in zip(axes, shown, strict=False):
            _show(axis, _fitted(_pixels(each)))
            axis.set_title(f"{style.shorten(each.label, 9)} {style.shorten(each.said, 16)}",
                           fontsize=7, loc="center")  # fmt: skip
            axis.set_xlabel(f"row {each.row}", fontsize=6)
            axis.set_xticks([])
            axis.set_yticks([])
        for axis in axes[len(shown) :]:
            axis.set_visible(False)
    return made.plot


def words(profile: Profile, name: str) -> Plot:
    """Draw the words that tell most of each class: their share in its texts and in all others.

    Parameters
    ----------
    profile : Profile
        The table in numbers.
    name : str
        The column.
    """
    facts = _column(profile, name)
    labels = list(dict.fromkeys(word.label for word in facts.words))[:_PANELS]
    alt = "; ".join(
        f"{label}: " + ", ".join(w.word for w in facts.words if w.label == label)
        for label in labels
    )
    title = (
        f"Characteristic words of {style.shorten(name, 30)} by class: share of texts with the"
        " word (grey: of all other texts)"
    )
    across = min(3, len(labels))
    down = -(-len(labels) // across)
    with style.canvas(title, alt + ".", width=3 * across + 0.6, height=2.5 * down, rows=down,
                      cols=across) as made:  # fmt: skip
        axes = np.atleast_1d(made.axes).ravel()
        for axis, label in zip(axes, labels, strict=False):
            found = [word for word in facts.words if word.label == label]
            places = np.arange(len(found))
            axis.barh(places - 0.18, [w.share for w in found], height=0.36, color=style.BLUE)
            axis.barh(places + 0.18, [w.elsewhere for w in found], height=0.36, color="#C9CED6")
            style.name_rows(axis, [style.shorten(w.word, 16) for w in found], fontsize=8)
            axis.set_title(style.shorten(label, 26), fontsize=9)
            axis.grid(axis="y", visible=False)
            axis.xaxis.set_major_formatter(_percent())
            axis.tick_params(axis="x", labelsize=7)
        for axis in axes[len(labels) :]:
            axis.set_visible(False)
    return made.plot


def _column(profile: Profile, name: str) -> ColumnProfile:
    return next(c for c in profile.columns if c.name == name)


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1, decimals=0)


def _pixels(picture: Thumbnail) -> np.ndarray:
    from PIL import Image

    raw = base64.b64decode(picture.image.partition(",")[2])
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(image.convert("RGB"))


def _fitted(pixels: np.ndarray) -> np.ndarray:
    """Return pixels in a white square, small ones enlarged by whole steps."""
    height, width = pixels.shape[:2]
    times = max(1, _CELL // max(height, width))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)[:_CELL, :_CELL]
    height, width = pixels.shape[:2]
    square = np.full((_CELL, _CELL, 3), 255, dtype=np.uint8)
    top, left = (_CELL - height) // 2, (_CELL - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square


def _montage(lines: Sequence[Sequence[np.ndarray]], width: int) -> np.ndarray:
    step = _CELL + _GAP
    whole = np.full((len(lines) * step + _GAP, width * step + _GAP, 3), 255, dtype=np.uint8)
    for row, line in enumerate(lines):
        for place, pixels in enumerate(line):
            top, left = row * step + _GAP, place * step + _GAP
            whole[top : top + _CELL, left : left + _CELL] = _fitted(pixels)
    return whole


def _show(axis: Any, pixels: np.ndarray) -> None:
    axis.imshow(pixels, interpolation="none")
    axis.grid(visible=False)
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)
