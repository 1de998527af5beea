"""Figure of feature engineering: what the table's columns become."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from toolkit.plots import style
from toolkit.plots.style import Plot

if TYPE_CHECKING:
    from toolkit.artifacts import FeatureMap

_MOST = 25
_COLOURS = {
    "number": style.BLUE,
    "boolean": style.SKY,
    "category": style.ORANGE,
    "text": style.GREEN,
    "date": style.PURPLE,
    "image": style.RED,
    "pair": style.YELLOW,
}
_PAIRS = {"duration", "ratio", "place"}


def feature_overview(features: FeatureMap) -> Plot:
    """Draw how many columns engines get of each of the table's columns.

    A column made of two (a ratio, a duration) is counted at the first.
    """
    tally: dict[str, Counter[str]] = {}
    for column in features.columns:
        kind = "pair" if column.kind in _PAIRS else column.kind
        tally.setdefault(column.sources[0], Counter())[kind] += 1
    ranked = sorted(tally.items(), key=lambda item: -item[1].total())
    shown = ranked[:_MOST]
    title = f"{len(features.columns)} derived features from {len(tally)} in the table"
    if len(ranked) > _MOST:
        title += f" (the {_MOST} columns with most)"
    with style.canvas(title, _alt(ranked, features), height=1.1 + 0.3 * len(shown)) as sheet:
        axes = sheet.axes
        places = np.arange(len(shown))[::-1]
        start = np.zeros(len(shown))
        for kind, colour in _COLOURS.items():
            counts = np.array([kinds[kind] for _, kinds in shown], dtype=float)
            if counts.any():
                axes.barh(places, counts, left=start, color=colour, height=0.65, label=kind)
                start += counts
        for place, (_, kinds) in zip(places, shown, strict=True):
            label = f"{kinds.total()}"
            axes.annotate(
                label, (kinds.total(), place), (4, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(places, [style.shorten(name) for name, _ in shown])
        axes.set_xlim(0, max(start.max(initial=1) * 1.12, 2))
        axes.set_xlabel("derived features")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y", visible=False)
        if shown:
            axes.legend(loc="lower right", title="made of")
    return sheet.plot


def _alt(ranked: list[tuple[str, Counter[str]]], features: FeatureMap) -> str:
    many = [f"{name}: {kinds.total()}" for name, kinds in ranked if kinds.total() > 1][:10]
    alone = sum(kinds.total() == 1 for _, kinds in ranked)
    text = f"{'; '.join(many)}. " if many else ""
    text += f"{_several(alone)} one each."
    if features.left_out:
        text += f" {_several(len(features.left_out))} none."
    return text


def _several(number: int) -> str:
    return "1 column gives" if number == 1 else f"{number} columns give"
