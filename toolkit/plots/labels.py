"""Figures of ``03_label_review``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.artifacts.labels import LabelScores
from toolkit.plots.style import BLUE, GREY, RED, Plot, canvas, shorten

if TYPE_CHECKING:
    import pandas as pd

_MOST_CLASSES = 12  # in a figure; the rest is summed up as "others"
_MOST_POINTS = 3_000
_OTHERS = "others"
_GROUPS = 10


def scores(labels: LabelScores) -> Plot:
    """Draw how suspicious the labels are, and which of them are flagged."""
    frame = labels.frame
    flagged = frame["issue"].to_numpy(dtype=bool)
    values = frame["score"].to_numpy(dtype=float)
    alt = f"{int(flagged.sum())} of {len(frame)} labels are flagged as wrong"
    if flagged.any():
        alt += f"; the highest score among them is {values[flagged].max():.2f}"
    with canvas("Label quality scores", alt + ".", height=2.8) as sheet:
        ax = sheet.axes
        ax.hist(
            [values[flagged], values[~flagged]],
            bins=np.linspace(0, 1, 41),
            stacked=True,
            color=[RED, BLUE],
            label=[f"flagged ({int(flagged.sum())})", f"not flagged ({int((~flagged).sum())})"],
        )
        # The two kinds must be told apart without colour too.
        for patch in ax.containers[0]:
            patch.set_hatch("////")
            patch.set_edgecolor("white")
            patch.set_linewidth(0)
        ax.set(xlabel="score (0 is the most suspicious)", ylabel="rows", xlim=(0, 1))
        ax.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.16))
    return sheet.plot


def confusion(labels: LabelScores) -> Plot:
    """Draw which label the quick model would give in place of the given one.

    For classes, flagged rows by given and suggested class; for numbers, given and predicted
    values with the flagged rows marked.
    """
    if _is_regression(labels):
        return _scatter(labels.frame)
    frame = labels.frame[labels.frame["issue"].to_numpy(dtype=bool)]
    names = _largest(labels.frame, frame)
    keep = set(names)
    given = frame["given"].where(frame["given"].isin(keep), _OTHERS)
    suggested = frame["suggested"].where(frame["suggested"].isin(keep), _OTHERS)
    if (given == _OTHERS).any() or (suggested == _OTHERS).any():
        names = [*names, _OTHERS]
    place = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=int)
    rows, columns = (side.map(place).to_numpy(dtype=int) for side in (given, suggested))
    np.add.at(counts, (rows, columns), 1)
    alt = "No label is flagged."
    if counts.any():
        row, column = np.unravel_index(counts.argmax(), counts.shape)
        alt = (
            f"Flagged rows by given and suggested label; the most frequent: given {names[row]},"
            f" suggested {names[column]}, {counts[row, column]} rows."
        )
    size = 1.9 + 0.42 * len(names)
    with canvas(
        "Flagged rows: given label against the predicted label", alt,
        width=min(7.0, size + 2.2), height=size,
    ) as sheet:  # fmt: skip
        _matrix(sheet.axes, counts, [shorten(name, 18) for name in names])
    return sheet.plot


def by_class(labels: LabelScores) -> Plot:
    """Draw the share of flagged labels by class, or by tenth of the given values."""
    frame = labels.frame
    title = "Flagged labels by class"
    if _is_regression(labels):
        title = "Flagged labels by given value"
        group = _tenths(frame["given"].to_numpy(dtype=float))
    else:
        keep = _largest(frame, frame)
        group = frame["given"].where(frame["given"].isin(set(keep)), _OTHERS)
    table = frame.groupby(group.to_numpy(), sort=False)["issue"].agg(["sum", "size"])
    order = list(dict.fromkeys(group)) if _is_regression(labels) else sorted(table.index)
    if _is_regression(labels):
        order.sort(key=lambda name: frame["given"].to_numpy()[group.to_numpy() == name].min())
    table = table.loc[order]
    share = (table["sum"] / table["size"]).to_numpy()
    worst = int(share.argmax())
    alt = (
        f"Highest share of flagged labels: {order[worst]}, {formats.share(share[worst])}"
        f" ({table['sum'].iloc[worst]} of {table['size'].iloc[worst]} rows)."
    )
    with canvas(title, alt, height=1.1 + 0.3 * len(order)) as sheet:
        ax = sheet.axes
        ax.barh(range(len(order)), share * 100, color=BLUE, height=0.7)
        for y, (flagged, rows) in enumerate(zip(table["sum"], table["size"], strict=True)):
            ax.annotate(
                f"{flagged} of {rows}",
                (share[y] * 100, y),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color="#374151",
                fontsize=9,
            )
        ax.set_yticks(range(len(order)), [shorten(name) for name in order])
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set(xlabel="% of the rows are flagged", xlim=(0, max(share.max() * 118, 1)))
    return sheet.plot


def _is_regression(labels: LabelScores) -> bool:
    return bool(np.issubdtype(np.asarray(labels.frame["given"]).dtype, np.floating))


def _largest(everything: pd.DataFrame, flagged: pd.DataFrame) -> list[str]:
    # By flagged rows, then by all rows, then by name: the same classes whenever it is drawn.
    rows = everything["given"].value_counts()
    counts = flagged["given"].value_counts()
    names = sorted(rows.index, key=lambda name: (-counts.get(name, 0), -rows[name], name))
    return sorted(names[:_MOST_CLASSES])


def _matrix(ax: Any, counts: np.ndarray, names: list[str]) -> None:
    ax.imshow(counts, cmap="Blues", vmin=0, vmax=max(counts.max(), 1), aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = count > 0.6 * counts.max()
            color = "white" if dark else "#111827"
            ax.text(column, row, count, ha="center", va="center", color=color, fontsize=9)
    slanted = max(map(len, names)) * len(names) > 60
    ax.set_xticks(
        range(len(names)), names, rotation=40 if slanted else 0, ha="right" if slanted else "center"
    )
    ax.set_yticks(range(len(names)), names)
    ax.grid(visible=False)
    ax.set(xlabel="predicted by the quick model", ylabel="given label")


def _scatter(frame: pd.DataFrame) -> Plot:
    flagged = frame["issue"].to_numpy(dtype=bool)
    # Every flagged row is drawn; of the others, evenly spaced ones, the same in each replay.
    others = np.flatnonzero(~flagged)
    others = others[:: max(1, len(others) // _MOST_POINTS)]
    alt = (
        f"Given value against the quick model's prediction; {int(flagged.sum())} of {len(frame)}"
        " rows lie unusually far from it and are flagged."
    )
    given, suggested = frame["given"].to_numpy(), frame["suggested"].to_numpy()
    with canvas("Given value and prediction", alt, height=4.2) as sheet:
        ax = sheet.axes
        ax.scatter(
            suggested[others],
            given[others],
            s=6,
            color=GREY,
            alpha=0.4,
            lw=0,
            label="not flagged" + " (sample)" * (len(others) < int((~flagged).sum())),
        )
        ax.scatter(
            suggested[flagged],
            given[flagged],
            s=16,
            color=RED,
            marker="x",
            lw=1,
            label=f"flagged ({int(flagged.sum())})",
        )
        low, high = np.nanmin([given, suggested]), np.nanmax([given, suggested])
        ax.plot([low, high], [low, high], color="#111827", lw=0.8, ls="--", label="equal")
        ax.set(xlabel="out-of-sample prediction", ylabel="given value")
        ax.legend(loc="upper left", fontsize=9)
    return sheet.plot


def _tenths(values: np.ndarray) -> pd.Series:
    import pandas as pd

    edges = np.unique(np.quantile(values, np.linspace(0, 1, _GROUPS + 1)))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    top = edges[np.minimum(place + 1, len(edges) - 1)]
    names = {
        (a, b): formats.number(a, 6)
        if a == b
        else f"{formats.number(a, 6)} to {formats.number(b, 6)}"
        for a, b in set(zip(edges[place], top, strict=True))
    }
    return pd.Series([names[pair] for pair in zip(edges[place], top, strict=True)])
