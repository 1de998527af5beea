"""Figures of the contributions of words and patches."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import ContentExplanation, ContentRow, ContentValues
from toolkit.errors import UsageError
from toolkit.plots.style import BLUE, GREY, RED, Plot, canvas, name_rows, shorten
from toolkit.table.images import images

_SIDE = 336  # pixels of a drawn image's longer side, at most a little more
_SIGNS = 6
_FULL = 0.02  # of the largest value: less is not coloured
_PART = 120
_TEXT = 6_000


def tokens(explanation: ContentExplanation, place: int = 0, of: str | None = None) -> str:
    """Return a text as HTML, its words coloured by what they did to the output.

    A raising word is red and has a plus sign, a lowering one blue and a minus sign, so
    that nobody depends on colour; a value smaller than twice its standard error has a question
    mark and no colour. All of the text is escaped, styles stand in the elements: this shows
    in a notebook that is not trusted.

    Parameters
    ----------
    explanation : ContentExplanation
        What was computed.
    place : int
        Which of its rows.
    of : str, optional
        The output; the row's first by default.
    """
    row = _row(explanation, place, "text")
    found = _output(row, of)
    most = max(map(abs, found.values), default=0.0)
    pieces, end, length = [], 0, 0
    for (start, stop), value, error in zip(
        row.parts, found.values, found.standard_error, strict=True
    ):
        if length > _TEXT:
            pieces.append(" …")
            break
        gap, part = row.text[end:start], row.text[start:stop]
        pieces.append(html.escape(gap) + _token(shorten_part(part), value, error, most))
        length += len(gap) + min(len(part), _PART)
        end = stop
    body = "".join(pieces) or "<i>(no word)</i>"
    key = (
        f'<p style="font-size:12px;color:{GREY};margin:4px 0">{_coloured("+", RED, 0.5)} raises,'
        f" {_coloured('−', BLUE, 0.5)} lowers the {html.escape(_of(explanation, found))}; the"
        " stronger, the darker. ?: smaller than twice its standard error. Without any of these"
        f" words: {formats.number(found.base, 4)}; as it is: {formats.number(found.output, 4)}.</p>"
    )
    line = 'style="line-height:2;margin:4px 0;overflow-wrap:anywhere;white-space:pre-wrap"'
    return f"<div><p {line}>{body}</p>{key}</div>"


def shorten_part(text: str) -> str:
    """Return a part as it is, or its beginning and end where it is long."""
    return text if len(text) <= _PART else f"{text[: _PART // 2]} … {text[-_PART // 2 :]}"


def _token(text: str, value: float, error: float, most: float) -> str:
    safe = html.escape(text)
    if abs(value) <= _FULL * most or not most:
        return safe
    if unclear(value, error):
        return f"{safe}<sup>?</sup>"
    sign, colour = ("+", RED) if value > 0 else ("−", BLUE)
    return _coloured(f"{safe}<sup>{sign}</sup>", colour, abs(value) / most)


def _coloured(inner: str, colour: str, strength: float) -> str:
    red, green, blue = _mixed(colour, 0.12 + 0.48 * strength)
    return (
        f'<span style="background-color:#{red:02x}{green:02x}{blue:02x};color:#111827;'
        f'border-bottom:2px solid {colour};padding:1px 2px">{inner}</span>'
    )


def _mixed(colour: str, share: float) -> tuple[int, int, int]:
    """Return a colour mixed with white, so that black text on it stays legible."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    red, green, blue = (round(255 - share * (255 - part)) for part in parts)
    return red, green, blue


def unclear(value: float, error: float) -> bool:
    """Whether noise exceeds what can be told: less than two standard errors."""
    return abs(value) < 2 * error


def strongest(
    explanation: ContentExplanation, place: int = 0, of: str | None = None, *, top: int = 12
) -> Plot:
    """Draw the strongest words of one text, with two standard errors to each side."""
    row = _row(explanation, place, "text")
    found = _output(row, of)
    order = np.argsort(-np.abs(found.values), kind="stable")[:top].tolist()
    names = [row.text[slice(*row.parts[i])] for i in order]
    values = [found.values[i] for i in order]
    errors = [2 * found.standard_error[i] for i in order]
    alt = (
        f"Row {row.row}: from {formats.number(found.base, 4)} to"
        f" {formats.number(found.output, 4)}; "
        + "; ".join(
            f"{shorten(n, 20)} {formats.number(v, sign=True)}"
            for n, v in zip(names[:6], values, strict=False)
        )
    )
    title = f"Row {row.row}: contributions of words to the {_of(explanation, found)}"
    with canvas(title, alt, height=1.0 + 0.27 * max(1, len(order))) as sheet:
        axes = sheet.axes
        axes.axvline(0, color=GREY, linewidth=1)
        _bars(axes, names, values, errors)
        more = len(found.values) - len(order)
        axes.set_xlabel(
            "contribution to the output (line: two standard errors"
            + (f"; {more} weaker not drawn)" if more else ")")
        )
    return sheet.plot


def words(explanation: ContentExplanation, column: str, *, top: int = 20) -> Plot:
    """Draw the mean size of a word's value over the explained texts that hold it."""
    facts = next((c for c in explanation.columns if c.column == column), None)
    if facts is None or facts.kind != "text":
        raise UsageError(f"no text of {column!r} was explained")
    found = facts.words[:top]
    title = f"Words in at least two of {facts.rows} explained texts of {shorten(column, 30)}"
    alt = (
        "; ".join(f"{shorten(w.word, 20)} {formats.number(w.mean_abs)}" for w in found)
        or "There is none."
    )
    with canvas(title, alt, height=1.0 + 0.27 * max(1, len(found))) as sheet:
        axes = sheet.axes
        if not found:
            axes.text(0, 0.5, "No word is in two of the explained texts.", va="center")
            axes.set_axis_off()
        else:
            names = [f"{shorten(w.word, 24)} ({w.rows} texts)" for w in found]
            axes.barh(range(len(found)), [w.mean_abs for w in found], color=BLUE, height=0.6)
            name_rows(axes, names)
            axes.set_xlabel("mean |value| of the word in a text")
            axes.grid(axis="y", visible=False)
    return sheet.plot


def _bars(axes: Any, names: list[str], values: list[float], errors: list[float]) -> None:
    places = range(len(names))
    axes.barh(places, values, color=[RED if v > 0 else BLUE for v in values], height=0.6)
    reach = max((abs(v) + e for v, e in zip(values, errors, strict=True)), default=0) or 1.0
    for at, (value, error) in enumerate(zip(values, errors, strict=True)):
        if error:
            axes.plot([value - error, value + error], [at, at], color="black", linewidth=1)
        end = value + (error if value >= 0 else -error)
        side, gap = ("left", 0.02 * reach) if value >= 0 else ("right", -0.02 * reach)
        axes.text(end + gap, at, _signed(value, reach), fontsize=8, va="center", ha=side)
    axes.set_yticks(places, [shorten(name, 30) for name in names])
    axes.set_ylim(max(1, len(names)) - 0.5, -0.5)
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    axes.set_xlim(low - 0.3 * reach * (low < 0) - 0.05 * reach,
                  high + 0.3 * reach * (high > 0) + 0.05 * reach)  # fmt: skip
    axes.grid(axis="y", visible=False)


def _signed(value: float, reach: float) -> str:
    return formats.number(value, sign=True) if abs(value) > 1e-6 * reach else "0"


def heat(explanation: ContentExplanation, place: int = 0, of: str | None = None) -> Plot:
    """Draw one image, and beside it which of its patches raised or lowered the output.

    The strongest patches have a sign; a patch with a dot has a value smaller than twice its
    standard error. Both are drawn as pictures inside the SVG.
    """
    row = _row(explanation, place, "image")
    found = _output(row, of)
    pixels = _pixels(row)
    grid = (len(row.down) - 1, len(row.across) - 1)
    values = np.array(found.values).reshape(grid)
    noisy = np.abs(values) < 2 * np.array(found.standard_error).reshape(grid)
    counted = f"{int(noisy.sum())} of {values.size} patches are smaller than twice their error"
    said = _strongest_patch(values)
    alt = (
        f"Row {row.row}, from {formats.number(found.base, 4)} to"
        f" {formats.number(found.output, 4)}. {said} {counted.capitalize()}"
        if noisy.any()
        else f"Row {row.row}, from {formats.number(found.base, 4)} to"
        f" {formats.number(found.output, 4)}. {said}"
    )
    title = f"Row {row.row} ({row.why}): contributions to the {_of(explanation, found)}" + (
        " — MOSTLY NOISE" if noisy.sum() > 0.9 * values.size else ""
    )
    height, width = pixels.shape[:2]
    tall = float(np.clip(2.6 * height / width, 1.6, 4.2)) + 0.7
    with canvas(title, alt, height=tall, cols=2) as sheet:
        _show(sheet.axes[0], pixels, f"actual {shorten(row.actual, 20)}, predicted"
                                     f" {shorten(row.predicted, 20)}")  # fmt: skip
        mapped = _overlay(sheet, row, pixels, values, noisy)
        bar = sheet.figure.colorbar(mapped, ax=sheet.axes[1], shrink=0.85, pad=0.03)
        bar.set_label("blue −: lowers    red +: raises", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        note = (
            f"without content {formats.number(found.base)}, as it is {formats.number(found.output)}"
        )
        if noisy.any():
            note += f"\n·: less than two standard errors ({int(noisy.sum())} of {values.size})"
        sheet.axes[1].set_xlabel(note, fontsize=8)
    return sheet.plot


def _overlay(
    sheet: Any, row: ContentRow, pixels: np.ndarray, values: np.ndarray, noisy: np.ndarray
) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    axes = sheet.axes[1]
    most = float(np.abs(values).max()) or 1.0
    signed = LinearSegmentedColormap.from_list("signed", [BLUE, "#FFFFFF", RED])
    colours = ScalarMappable(Normalize(-most, most), signed)
    spread = np.repeat(np.repeat(values, np.diff(row.down), axis=0), np.diff(row.across), axis=1)
    colour = colours.to_rgba(spread)[..., :3]
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    _show(axes, np.clip(0.75 * colour + 0.25 * grey[..., None] / 255, 0, 1), "")
    down, across = (np.add(edges[:-1], edges[1:]) / 2 - 0.5 for edges in (row.down, row.across))
    strong = np.argsort(-np.abs(values).ravel(), kind="stable")[:_SIGNS]
    for at in range(values.size):
        i, j = divmod(at, values.shape[1])
        text = "·" if noisy[i, j] else ""
        if at in strong and not noisy[i, j] and abs(values[i, j]) > _FULL * most:
            text = "+" if values[i, j] > 0 else "−"
        axes.text(across[j], down[i], text, ha="center", va="center", fontsize=9, color="black",
                  fontweight="bold")  # fmt: skip
    return colours


def _show(axes: Any, pixels: np.ndarray, label: str) -> None:
    height, width = pixels.shape[:2]
    times = max(1, _SIDE // max(height, width))  # by whole steps, so that no viewer smooths it
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)
    axes.imshow(large, cmap="gray", vmin=0, vmax=255, interpolation="none",
                extent=(-0.5, width - 0.5, height - 0.5, -0.5))  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_xlabel(label, fontsize=8)
    for side in axes.spines.values():
        side.set_visible(False)


def _pixels(row: ContentRow) -> np.ndarray:
    data = images.cell(row.image)
    if data is None:
        raise UsageError(f"the image of row {row.row} cannot be read")
    return images.decode(data)


def _strongest_patch(values: np.ndarray) -> str:
    at = int(np.abs(values).argmax())
    i, j = divmod(at, values.shape[1])
    if not values.flat[at]:
        return "No patch moved the output."
    return (
        f"The strongest of {values.size} patches is number {j + 1} from the left and {i + 1} from"
        f" the top: {formats.number(values.flat[at], sign=True)}."
    )


def _row(explanation: ContentExplanation, place: int, kind: str) -> ContentRow:
    if not 0 <= place < len(explanation.rows) or explanation.rows[place].kind != kind:
        raise UsageError(f"item {place} is no explained {kind}",
                         expected=f"one of {len(explanation.rows)} items")  # fmt: skip
    return explanation.rows[place]


def _output(row: ContentRow, of: str | None) -> ContentValues:
    found = next((each for each in row.outputs if of in (None, each.of)), None)
    if found is None:
        raise UsageError(f"{of!r} was not explained for row {row.row}",
                         expected=", ".join(each.of for each in row.outputs))  # fmt: skip
    return found


def _of(explanation: ContentExplanation, found: ContentValues) -> str:
    if found.of == "value":
        return shorten(explanation.output, 60)
    return f"probability of the class {shorten(found.of)}"
