"""The picture of a small decision tree, from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit import formats
from toolkit.errors import UsageError
from toolkit.plots.style import GREY, Plot, canvas, shorten

if TYPE_CHECKING:
    from toolkit.artifacts import GlobalEffects, TreeNode

_WIDTH, _HEIGHT = 0.84, 0.74
_LOW = 0.7


def tree(effects: GlobalEffects) -> Plot:
    """Draw the tree that imitates the model, with how well it does in the title."""
    found = effects.surrogate
    if not found.nodes:
        raise UsageError("there is no surrogate tree", remedy="See the checks of the effects")
    said = "fidelity unknown" if found.r2 is None else f"R² {found.r2:.2f} on test rows"
    if found.agreement is not None:
        said += f", {formats.percent(found.agreement)} of decisions alike"
    low = found.r2 is not None and found.r2 < _LOW
    title = f"Surrogate tree: {said}" + (
        " — fidelity too low to explain the model by" if low else ""
    )
    leaves = sum(node.yes < 0 for node in found.nodes)
    alt = f"{said}; {leaves} leaves, depth {found.depth}. " + " ".join(
        f"{rule}." for rule in found.rules[:4]
    )
    places, width = _layout(found.nodes)
    with canvas(title, alt, width=8.0, height=0.7 + 0.46 * leaves) as sheet:
        axes = sheet.axes
        plate = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        for place, node in enumerate(found.nodes):
            x, y = places[place]
            _box(axes, node, found.nodes, x, y)
            for word, child in (("yes", node.yes), ("no", node.no)):
                if child >= 0:
                    to_x, to_y = places[child]
                    axes.plot([x + _WIDTH / 2, to_x - _WIDTH / 2], [y, to_y], color=GREY,
                              linewidth=1, zorder=1)  # fmt: skip
                    axes.text((x + to_x) / 2, (y + to_y) / 2, word, fontsize=7, ha="center",
                              va="center", zorder=4,
                              bbox=plate)  # fmt: skip
        axes.set_xlim(-0.5, width + 0.5)
        axes.set_ylim(leaves - 0.45, -0.55)
        axes.set_axis_off()
    return sheet.plot


def _layout(nodes: list[TreeNode]) -> tuple[dict[int, tuple[float, float]], int]:
    """Return where boxes stand: leaves below each other, others between their next boxes."""
    places: dict[int, tuple[float, float]] = {}
    leaves = 0

    def put(place: int, depth: int) -> int:
        nonlocal leaves
        node = nodes[place]
        if node.yes < 0:
            places[place] = (depth, leaves)
            leaves += 1
            return depth
        deepest = max(put(node.yes, depth + 1), put(node.no, depth + 1))
        places[place] = (depth, (places[node.yes][1] + places[node.no][1]) / 2)
        return deepest

    return places, put(0, 0)


def _box(axes: Any, node: TreeNode, nodes: list[TreeNode], x: float, y: float) -> None:
    import matplotlib as mpl
    from matplotlib.patches import FancyBboxPatch

    name, value = max(node.values.items(), key=lambda pair: pair[1])
    others = [max(each.values.values()) for each in nodes]
    span = (max(others) - min(others)) or 1.0
    shade = 0.05 + 0.5 * (value - min(others)) / span
    if node.yes < 0:
        first = (
            formats.number(value)
            if len(node.values) == 1
            else f"{shorten(name, 14)} {formats.number(value, 2)}"
        )
        text = f"{first}\n{node.rows:,} rows ({formats.percent(node.rows / nodes[0].rows)})"
        face: Any = mpl.colormaps["Blues"](shade)
    else:
        test = shorten(node.test, 20) + (" (or missing)" if node.missing == "yes" else "")
        text, face = f"{shorten(node.column, 20)}\n{test}?", "white"
    axes.add_patch(
        FancyBboxPatch((x - _WIDTH / 2, y - _HEIGHT / 2), _WIDTH, _HEIGHT, facecolor=face,
                       boxstyle="round,pad=0,rounding_size=0.08", edgecolor=GREY, zorder=2)
    )  # fmt: skip
    axes.text(x, y, text, fontsize=7, ha="center", va="center", zorder=3)
