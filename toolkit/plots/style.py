"""One look for every figure: SVG, legible, labelled, safe for colour-blind readers."""

from __future__ import annotations

import base64
import html
import io
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import formats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from toolkit.artifacts import Interval

# Okabe and Ito (2008), "Color Universal Design".
BLUE, ORANGE, GREEN, RED, SKY, PURPLE, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#6B7280",
)  # fmt: skip
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW, GREY)

_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "toolkit",
    "text.parse_math": False,  # a dollar sign in a column's name is no formula
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E7EB",
    "figure.facecolor": "white",
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Plot:
    """A finished figure.

    Attributes
    ----------
    svg : str
        The picture, without XML prologue; it asks for nothing from outside.
    title : str
        A caption.
    alt : str
        What a person who cannot see it has to know: the main numbers in a sentence.
    """

    svg: str
    title: str
    alt: str

    def html(self) -> str:
        """Return a ``figure`` element with the picture and its caption.

        The picture is an image, not inline SVG, which JupyterLab strips from a notebook
        that it does not trust.
        """
        label = html.escape(self.alt, quote=True)
        data = base64.b64encode(self.svg.encode()).decode()
        return (
            '<figure style="margin:0 0 1em 0">'
            f'<img style="max-width:100%" alt="{label}" src="data:image/svg+xml;base64,{data}">'
            f'<figcaption style="font:13px system-ui,sans-serif;color:#6B7280">'
            f"{html.escape(self.title)}</figcaption></figure>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": untypeset(self.html()), "text/plain": f"{self.title}: {self.alt}"}


def untypeset(text: str) -> str:
    """Return HTML in which a notebook takes no dollar sign for a formula."""
    return f'<div class="mathjax_ignore tex2jax_ignore">{text}</div>'


class Canvas:
    """A figure being drawn; ``plot`` is there once the block is left."""

    def __init__(self, figure: Figure, axes: Any) -> None:
        self.figure = figure
        self.axes = axes
        self.plot: Plot


@contextmanager
def canvas(
    title: str, alt: str, *, width: float = 7.0, height: float = 3.5, rows: int = 1, cols: int = 1
) -> Iterator[Canvas]:
    """Give a figure to draw on in the house style, and turn it into a `Plot`.

    Parameters
    ----------
    title, alt : str
        See `Plot`.
    width, height : float
        Inches; 7 inches are 672 CSS pixels.
    rows, cols : int
        The grid of axes; ``axes`` is one object for 1 x 1, else an array.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_RC):
        # A Figure of its own, not pyplot's: nothing global, nothing shown twice in a notebook.
        figure = Figure(figsize=(width, height), layout="constrained")
        paper = FigureCanvasSVG(figure)
        sheet = Canvas(figure, figure.subplots(rows, cols))
        yield sheet
        _label_ticks(figure)
        stream = io.StringIO()
        # Not `savefig`: it draws everything a first time, unseen, to have the axes placed.
        paper.print_svg(stream, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    svg = text[text.index("<svg") :]
    svg = svg.replace("<svg ", '<svg style="max-width:100%;height:auto" role="img" ', 1)
    sheet.plot = Plot(svg=svg, title=title, alt=alt)


def empty_figure(title: str, sentence: str) -> Plot:
    """Return a figure that says in a sentence why nothing is drawn."""
    lines = textwrap.wrap(sentence, 95)
    with canvas(title, sentence, height=0.5 + 0.2 * len(lines)) as sheet:
        sheet.axes.axis("off")
        # A text that counts in the layout and is as wide as the figure leaves the axes no room.
        sheet.axes.text(0, 0.5, "\n".join(lines), va="center", color=GREY, in_layout=False)
    return sheet.plot


def name_rows(axes: Any, names: Sequence[str], **text: Any) -> None:
    """Write names beside rows at 0, 1, 2 ..., the first on top."""
    axes.set_yticks(range(len(names)), names, **text)
    axes.set_ylim(len(names) - 0.5, -0.5)


def draw_interval(
    axes: Any, place: float, score: Interval, colour: str, *, hollow: bool = False
) -> None:
    """Draw a score as a dot in the row at `place`, and its interval as a line through it."""
    if score.value is None:
        return
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [place, place], color=colour, linewidth=2, alpha=0.75)
    face = "white" if hollow else colour
    axes.plot(score.value, place, "o", color=colour, markersize=6, markerfacecolor=face)


def _label_ticks(figure: Figure) -> None:
    """Label the ticks of numbers that nothing else labels: at round values, in plain digits."""
    from matplotlib import ticker

    class RoundTicks(ticker.Formatter):
        def format_ticks(self, values: Any) -> list[str]:
            return tick_texts([float(value) for value in values])

        def __call__(self, x: float, pos: Any = None) -> str:
            return formats.number(x)

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            # Those of a class of its own are labelled on purpose: categories, dates, shares.
            if type(axis.get_major_formatter()) is ticker.ScalarFormatter:
                axis.set_major_formatter(RoundTicks())


def tick_texts(places: list[float]) -> list[str]:
    """Return what labels the ticks of an axis, all with the same decimals and unit."""
    size = max((abs(place) for place in places), default=0.0)
    if not 1e-6 <= size < 1e15:
        return [formats.number(place) for place in places]
    unit, sign = next(((u, s) for u, s in _UNITS if size >= u), (1.0, ""))
    step = min((b - a for a, b in itertools.pairwise(places) if b > a), default=size) / unit
    digits = next((d for d in range(8) if abs(round(step, d) - step) < 1e-3 * step), 8)
    texts = (f"{place / unit:,.{digits}f}" for place in places)
    return [(t if t.strip("-0.") else t.removeprefix("-")) + sign for t in texts]


_UNITS = ((1e9, " bn"), (1e6, " M"))


def shorten(text: object, length: int = 28) -> str:
    """Return text cut to a length, with an ellipsis, for axis labels."""
    line = " ".join(str(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
