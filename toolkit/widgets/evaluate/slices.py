"""The panel of ``05_evaluate`` on errors: slices, error tree, confusions."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import ipywidgets as w

from toolkit import formats, metrics
from toolkit.artifacts import ErrorsFound, Evaluation
from toolkit.errors import ToolkitError
from toolkit.plots.evaluate import errors as figures
from toolkit.plots.style import shorten
from toolkit.widgets.kit.panel import Panel, checks_html, grid, table

if TYPE_CHECKING:
    from toolkit.evaluate import SliceScores
    from toolkit.run.stage import Stage

_NOTHING = ""
_UNCORRECTED = (
    "The p-value is not corrected for multiple comparisons; those of the slices above are."
)


class SlicePanel(Panel):
    """Slices, the error tree, and confusions down to single rows.

    Parameters
    ----------
    stage : Stage
        The open stage.
    evaluation : Evaluation
        For the weak slices that were found.
    errors : ErrorsFound
        From `toolkit.evaluate.errors`.
    scores : SliceScores
        From `toolkit.evaluate.slice_scores`; called at each choice.
    view_row : callable, optional
        Takes the number of a test row and gives its texts and images as name, kind and content;
        see `toolkit.explain.row_viewer`.

    Attributes
    ----------
    found : ipywidgets.Dropdown
        Weak slices that were found, offered first.
    column, part, column2, part2 : ipywidgets.Dropdown
        Up to two conditions.
    curve, pair, row : ipywidgets.Dropdown
        A curve, a confusion, and one of its rows.
    """

    def __init__(
        self,
        stage: Stage,
        evaluation: Evaluation,
        errors: ErrorsFound,
        scores: SliceScores,
        *,
        view_row: Callable[[int], list[tuple[str, str, str]]] | None = None,
    ) -> None:
        super().__init__(stage, "Error analysis", ["explain"])
        self.evaluation, self.errors, self._scores = evaluation, errors, scores
        self._view_row = view_row
        self._slice, self._curve, self._pair, self._row = (w.HTML() for _ in range(4))
        self._busy = False
        self._known = _found(evaluation, scores)
        self.found = _dropdown("Found", [("(choose below)", -1)] + [
            (shorten(f"{text} ({rows:,} rows)", 80), i)
            for i, (text, rows, _) in enumerate(self._known)
        ])  # fmt: skip
        columns = [("(no condition)", _NOTHING)] + [(shorten(c, 50), c) for c in scores.parts]
        self.column, self.column2 = _dropdown("Column", columns), _dropdown("And column", columns)
        self.part, self.part2 = _dropdown("is", []), _dropdown("is", [])
        self.curve = _dropdown("Over", [(shorten(c.over, 60), c.over) for c in errors.curves])
        self.pair = _dropdown("Confusion", [
            (shorten(f"{c.actual} decided as {c.decided} ({c.rows:,} rows)", 80), i)
            for i, c in enumerate(errors.confusions)
        ])  # fmt: skip
        self.row = _dropdown("Row", [])
        self.found.observe(lambda _: self._take_found(), "value")
        for column, part in ((self.column, self.part), (self.column2, self.part2)):
            column.observe(lambda _, c=column, p=part: self._offer(c, p), "value")
            part.observe(lambda _: self._by_hand(), "value")
        self.curve.observe(lambda _: self._draw_curve(), "value")
        self.pair.observe(lambda _: self._pair_changed(), "value")
        self.row.observe(lambda _: self._draw_row(), "value")
        self.show(*self._content())
        self.found.value = 0 if self._known else -1
        self._draw_slice()
        self._draw_curve()
        self._pair_changed()

    def _content(self) -> list[w.Widget]:
        lost = len(self.evaluation.slices) - len(self._known)
        said = (
            f"<p>{lost} of the found slices cannot be chosen here: this panel holds a sample of the"
            " rows, and its ranges have other limits.</p>"
        )
        content: list[w.Widget] = [
            w.HTML("<h4>Slices</h4>" + said * bool(lost)),
            self.found,
            grid(self.column, self.part, self.column2, self.part2),
            self._slice,
            w.HTML("<h4>Error tree</h4>"),
            w.HTML(figures.tree(self.errors).html()),
            w.HTML("<h4>Over ranges and time</h4>"),
            self.curve,
            self._curve,
        ]
        if self.errors.confusions:
            content += [w.HTML("<h4>Confusions</h4>"), grid(self.pair, self.row), self._pair]
        return [*content, self._row]

    # -- slices -----------------------------------------------------------------------

    def where(self) -> list[tuple[str, str]]:
        """Return the conditions that are chosen."""
        pairs = ((self.column, self.part), (self.column2, self.part2))
        return [
            (str(column.value), str(part.value))
            for column, part in pairs
            if column.value and part.value is not None
        ]

    def _take_found(self) -> None:
        if self.found.value < 0:
            return
        conditions = self._known[self.found.value][2]
        self._busy = True
        sides = ((self.column, self.part), (self.column2, self.part2))
        padded = [*conditions, (_NOTHING, _NOTHING)]
        for (column, part), (name, value) in zip(sides, padded, strict=False):
            column.value = name
            self._offer(column, part)
            if name:
                part.value = value
        self._busy = False
        self._draw_slice()

    def _offer(self, column: w.Dropdown, part: w.Dropdown) -> None:
        held = self._scores.parts.get(column.value)
        kept, busy = part.value, self._busy
        self._busy = True
        names = held.names if held is not None else []
        part.options = [(shorten(name.removeprefix("= "), 60), name) for name in names]
        part.value = kept if kept in names else (names[0] if names else None)
        self._busy = busy
        self._by_hand()

    def _by_hand(self) -> None:
        if not self._busy:
            self.found.value = -1
            self._draw_slice()

    def _draw_slice(self) -> None:
        if not self._busy:
            self._slice.value = self._slice_html(self.where())

    def _slice_html(self, where: Sequence[tuple[str, str]]) -> str:
        if not where:
            return "<p>Choose one or two conditions.</p>"
        try:
            score = self._scores(where)
        except ToolkitError as error:
            return f"<p>{html.escape(error.line())}</p>"
        title = metrics.get(self._scores.metric).title
        outside = score.of_rows - score.rows
        figure = figures.two_sides(
            score.where, title, score.inside, score.outside, (score.rows, outside)
        ).html()
        p = "not given: too few rows" if score.p_value is None else formats.number(score.p_value)
        facts = table(
            ("Slice", shorten(score.where, 100)),
            [
                ("Rows", f"{score.rows:,} of {score.of_rows:,}"),
                (f"{title} inside", score.inside.text()),
                (f"{title} on all other rows", score.outside.text()),
                (f"Mean {self._scores.loss_words}, inside minus outside", score.difference.text()),
                ("p (uncorrected)", p),
            ],
        )
        worst = table(
            ("Row", "Actual", "Decided", self._scores.loss_words.capitalize()),
            [
                (row, shorten(a, 40), shorten(d, 40), formats.number(loss, 4))
                for row, a, d, loss in score.worst
            ],
        )
        note = (
            f"<p>{_UNCORRECTED} Intervals: {score.resamples} resamples; that of the difference by"
            " the normal approximation.</p>"
        )
        return f"{figure}{facts}{note}<h5>Worst rows inside</h5>{worst}"

    # -- curves and confusions --------------------------------------------------------

    def _draw_curve(self) -> None:
        if self.curve.value is not None:
            self._curve.value = figures.curve(self.errors, str(self.curve.value)).html()

    def _pair_changed(self) -> None:
        if self.pair.value is None:
            return
        chosen = self.errors.confusions[self.pair.value]
        self._pair.value = self._pair_html(int(self.pair.value))
        self.row.options = [
            (f"{row} ({formats.share(p)} sure)", row)
            for row, p in zip(chosen.examples, chosen.certainty, strict=True)
        ]
        self._draw_row()

    def _pair_html(self, place: int) -> str:
        chosen = self.errors.confusions[place]
        said = (
            f"{chosen.rows:,} rows of {chosen.actual} ({formats.share(chosen.share)} of that"
            f" class) are"
            f" decided as {chosen.decided}. The most confident:"
        )
        rows = [
            (row, formats.share(p))
            for row, p in zip(chosen.examples, chosen.certainty, strict=True)
        ]
        return f"<p>{html.escape(said)}</p>" + table(
            ("Row", "Predicted probability of the decision"), rows
        )

    def _draw_row(self) -> None:
        self._row.value = self._row_html(self.row.value) if self.row.value is not None else ""

    def _row_html(self, row: int) -> str:
        found = self._view_row(row) if self._view_row is not None else []
        parts = []
        for name, kind, content in found:
            label = html.escape(shorten(name, 60))
            shown = (
                f'<img src="{html.escape(content, quote=True)}" height="160" alt="{label}">'
                if kind == "image"
                else html.escape(shorten(content, 2_000))
            )
            parts.append(f"<p><b>{label}</b><br>{shown}</p>")
        return "".join(parts)

    # -- for readers without a kernel -------------------------------------------------

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return the settings that intervals follow."""
        return [self.static_row("explain.bootstrap"), self.static_row("explain.confidence")]

    def static(self) -> str:
        """Return the slice in view, the tree, the curve in view, confusions and checks."""
        pairs = [
            (shorten(c.actual, 40), shorten(c.decided, 40), f"{c.rows:,}", formats.share(c.share),
             ", ".join(str(row) for row in c.examples))
            for c in self.errors.confusions
        ]  # fmt: skip
        confusions = table(
            ("Actual", "Decided", "Rows", "Of the class", "Most confident errors: rows"), pairs
        )
        return (
            self._slice.value
            + figures.tree(self.errors).html()
            + self._curve.value
            + (f"<h4>Confusions</h4>{confusions}" if pairs else "")
            + checks_html(self.errors.checks)
        )


def _found(
    evaluation: Evaluation, scores: SliceScores
) -> list[tuple[str, int, list[tuple[str, str]]]]:
    """Return found slices as conditions that can be chosen; those that cannot are left out."""
    result = []
    for each in evaluation.slices:
        options = [
            [(name, part) for part in scores.parts[name].names]
            for name in each.columns
            if name in scores.parts
        ]
        chosen = _matching(each.where, options, scores)
        if chosen is not None and len(chosen) == len(each.columns):
            result.append((each.where, each.rows, chosen))
    return result


def _matching(
    where: str, options: list[list[tuple[str, str]]], scores: SliceScores
) -> list[tuple[str, str]] | None:
    import itertools

    for combination in itertools.product(*options):
        texts = [
            scores.parts[name].text(scores.parts[name].names.index(part))
            for name, part in combination
        ]
        if " and ".join(texts) == where:
            return list(combination)
    return None


def _dropdown(description: str, options: Sequence[tuple[str, object]]) -> w.Dropdown:
    return w.Dropdown(options=options, description=description)
