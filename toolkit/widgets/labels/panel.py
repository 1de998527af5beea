"""The panel of ``03_label_review``: one suspicious row after another, decided by key or click."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from toolkit import formats, metrics
from toolkit.errors import ToolkitError
from toolkit.plots.style import shorten
from toolkit.run.stage import Stage
from toolkit.widgets.kit.panel import KeyCatcher, Panel, checks_html, grid, table
from toolkit.widgets.kit.static import Html

if TYPE_CHECKING:
    from toolkit.artifacts.labels import LabelReview
    from toolkit.labels.events import Decision
    from toolkit.labels.queue import Item, Queue

EVERY = "all labels"
_SHOWN = 12  # columns in sight; the rest folds away
_LONG, _LONGEST = 120, 2_000  # characters: from here on over the whole width; and cut
_STATIC_ROWS = 20
_STATIC_COLUMNS = 4
_BUTTONS = (
    ("accept", "Accept (a)", "The given label is right", "check"),
    ("relabel", "Relabel (r)", "The label chosen here is right", "pencil"),
    ("drop", "Drop (d)", "Leave the row out: no label can be right", "trash"),
    ("skip", "Skip (s)", "No opinion now; the row comes back at the end", "arrow-right"),
    ("undo", "Undo (u)", "Withdraw your last decision", "undo"),
)


class LabelPanel(Panel):
    """A review queue with buttons and keys; each decision is kept at once.

    Keys: ``a`` accept, ``r`` relabel to the label chosen, ``1`` to ``9`` relabel to that
    class, ``d`` drop, ``s`` skip, ``u`` undo.

    Parameters
    ----------
    stage : Stage
        The open stage.
    queue : Queue
        From `toolkit.labels.open_queue`.

    Attributes
    ----------
    item : Item or None
        The row in view; None if all are decided.
    """

    def __init__(self, stage: Stage, queue: Queue) -> None:
        super().__init__(stage, "Label review", ["labels"])
        self.queue = queue
        self.item: Item | None = None
        self._head, self._card, self._summary = w.HTML(), w.HTML(), w.HTML()
        self.filter = self._filter()
        self.label = self._label()
        self.reason = w.Text(
            description="Reason", placeholder="optional, kept with the next decision"
        )
        self.buttons = {name: self._button(name, *rest) for name, *rest in _BUTTONS}
        self.key_field = KeyCatcher(self.press, self._legend())
        self.key_field.style.description_width = "initial"
        self.show(
            self._head,
            self.filter,
            self._card,
            grid(self.label, self.reason),
            w.HBox(list(self.buttons.values()), layout=w.Layout(flex_flow="row wrap")),
            self.key_field,
            self._summary,
            settings=[
                self.field(
                    "labels.review",
                    help="How many rows are queued. Run the notebook again after a change.",
                ),
                self.field("labels.apply"),
            ],
        )
        self._go(queue.next(self._wanted))

    # -- deciding -----------------------------------------------------------------

    def press(self, key: str) -> None:
        """Do what a key stands for; other keys do nothing."""
        actions = {name[0]: name for name, *_ in _BUTTONS}
        key = key.lower()
        if key in actions:
            self.act(actions[key])
        elif key.isdigit() and 0 < int(key) <= len(self.queue.classes):
            self.act("relabel", self.queue.classes[int(key) - 1])

    def act(self, action: str, label: str | float | None = None) -> None:
        """Decide on the row in view and go to the next; or undo and go back.

        Parameters
        ----------
        action : str
            accept, relabel, drop, skip or undo.
        label : str or float, optional
            For relabel; by default the label chosen in the panel.
        """
        # A button and the key field may act on two threads: the second waits for the next row.
        with self.stage.file.lock:
            try:
                if action == "undo":
                    self._undo()
                elif self.item is not None:
                    self._decide(self.item, action, label)
            except ToolkitError as error:
                self.status(error.line(), error=True)

    def _decide(self, item: Item, action: str, label: str | float | None) -> None:
        if action == "relabel" and label is None:
            label = self.label.value
        if action != "relabel":
            label = None
        self.queue.decide(item.row, action, label, self.reason.value.strip())
        self.reason.value = ""
        decided = self.queue.decision(item.row)
        self._go(self.queue.next(self._wanted, after=item.row))
        said = _said(decided) if action != "skip" and decided else "skipped"
        self.status(self.queue.message or f"Row {item.row}: {said}. Saved by {self.queue.by}.")

    def _undo(self) -> None:
        row = self.queue.undo()
        if row is None:
            self.status(f"There is no decision by {self.queue.by} to undo.")
            return
        back = self.queue.find(row)
        if back is not None and self._wanted not in (None, back.given):
            self.filter.value = EVERY
        self._go(back or self.queue.next(self._wanted))
        self.status(self.queue.message or f"Row {row}: decision withdrawn.")

    # -- showing ------------------------------------------------------------------

    @property
    def _wanted(self) -> str | None:
        return None if self.filter.value == EVERY else str(self.filter.value)

    def _go(self, item: Item | None) -> None:
        self.item = item
        if item is not None:
            self.label.value = item.suggested
        self._card.value = _card(item, self.queue) if item else _finished(self.queue)
        done, total = self.queue.done(self._wanted)
        self._head.value = _progress(done, total, self._wanted)
        self._summary.value = _counts(self.queue.review)
        for name, button in self.buttons.items():
            button.disabled = item is None and name != "undo"

    def _filter(self) -> w.Dropdown:
        given = {item.given for item in self.queue.items}
        options = [EVERY, *(name for name in self.queue.classes if name in given)]
        made = w.Dropdown(options=[(shorten(o, 40), o) for o in options], description="Show")
        made.layout.display = "" if len(options) > 2 else "none"
        made.observe(lambda _: self._go(self.queue.next(self._wanted)), "value")
        return made

    def _label(self) -> Any:
        if not self.queue.classes:
            return w.FloatText(description="Right value")
        options = [(shorten(name, 40), name) for name in self.queue.classes]
        return w.Dropdown(options=options, description="Right label")

    def _button(self, name: str, text: str, tip: str, icon: str) -> w.Button:
        made = w.Button(description=text, tooltip=tip, icon=icon)
        act: Callable[[Any], None] = lambda _: self.act(name)  # noqa: E731
        made.on_click(act)
        return made

    def _legend(self) -> str:
        classes = self.queue.classes[:9]
        digits = ", ".join(f"{n} {shorten(name, 12)}" for n, name in enumerate(classes, start=1))
        return "Keys a r d s u" + (f"; {digits}" if digits else "")

    def static(self) -> str:
        """Return the most suspicious rows with their decisions, and the checks."""
        review = self.queue.review
        return (
            _counts(review)
            + _queue_table(self.queue)
            + (checks_html(review.checks) if review else "")
        )


def show_review(review: LabelReview) -> Html:
    """Return the state of a review for a notebook: the quick model, the counts, the checks."""
    score = "undefined" if review.model_score is None else formats.number(review.model_score, 4)
    metric = metrics.get(review.metric).title.lower()
    model = f"<p>Quick model: {html.escape(review.model)}; {metric} {score}.</p>"
    return Html(_counts(review) + model + checks_html(review.checks))


def _card(item: Item, queue: Queue) -> str:
    decided = queue.decision(item.row)
    skipped = item.row in queue.replay.skipped
    state = f" · {_said(decided)} by {decided.by}" if decided else " · skipped before" * skipped
    flag = "flagged as wrong" if item.flagged else "not flagged"
    head = (
        f'<p style="margin:8px 0 4px"><b>Row {item.row}</b> · {flag} · score {item.score:.3f}'
        f" (0 is the most suspicious){html.escape(state)}</p>"
        '<div style="display:flex;flex-wrap:wrap;gap:8px 40px;margin:4px 0 8px">'
        f"{_labelled('Given label', item.given, item.p_given)}"
        f"{_labelled('Quick model says', item.suggested, item.p_suggested)}</div>"
    )
    rest = item.values[_SHOWN:]
    more = (
        f"<details><summary>{len(rest)} more columns</summary>{_values(rest)}</details>"
        if rest
        else ""
    )
    return head + _pictures(item, 160) + _values(item.values[:_SHOWN]) + more


def _pictures(item: Item, side: int) -> str:
    found = "".join(
        f'<img src="{html.escape(source, quote=True)}" alt="{html.escape(name, quote=True)} of row'
        f' {item.row}" height="{side}" style="max-width:100%;image-rendering:pixelated;'
        'border:1px solid var(--jp-border-color2,#e5e7eb)">'
        for name, source in item.pictures
        if source
    )
    return f'<div style="display:flex;gap:8px;margin:4px 0 8px">{found}</div>' if found else ""


def _labelled(title: str, label: str | float, probability: float | None) -> str:
    bar = ""
    if probability is not None:
        bar = (
            f'<br><progress value="{probability:.3f}" max="1" style="width:9em"'
            f' aria-label="probability"></progress> {formats.share(probability)}'
        )
    return (
        f'<div><span style="color:var(--jp-ui-font-color2,#4b5563)">{title}</span><br>'
        f'<b style="font-size:16px">{html.escape(_text(label))}</b>{bar}</div>'
    )


def _values(values: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        '<div style="padding:2px 0;border-bottom:1px solid var(--jp-border-color2,#e5e7eb);'
        f'overflow-wrap:anywhere{";grid-column:1/-1" if len(value) > _LONG else ""}">'
        f'<span style="color:var(--jp-ui-font-color2,#4b5563)">{html.escape(shorten(name, 40))}'
        f"</span><br>{html.escape(shorten(value, _LONGEST))}</div>"
        for name, value in values
    )
    return (
        '<div style="display:grid;gap:2px 24px;'
        f'grid-template-columns:repeat(auto-fill,minmax(170px,1fr))">{cells}</div>'
    )


def _progress(done: int, total: int, given: str | None) -> str:
    of = f" with the label {html.escape(given)}" if given else ""
    share = done / total if total else 1
    return (
        f'<p><progress value="{share:.3f}" max="1" style="width:16em;vertical-align:middle"'
        f' aria-label="reviewed"></progress> {done} of {total} queued rows{of} seen</p>'
    )


def _finished(queue: Queue) -> str:
    if not queue.items:
        return (
            "<p><b>Nothing is queued.</b> The quick model flags no label, or"
            " labels.review is 0.</p>"
        )
    return "<p><b>All rows in view are decided.</b> Run the cells below to go on.</p>"


def _counts(review: LabelReview | None) -> str:
    if review is None:
        return ""
    parts = (
        f"{review.accepted} accepted, {review.relabelled} relabelled, {review.dropped} dropped,"
        f" {review.skipped} skipped; {review.issues} of {review.rows} labels are flagged"
    )
    return f"<p>{parts}.</p>"


def _queue_table(queue: Queue) -> str:
    if not queue.items:
        return "<p>Nothing is queued.</p>"
    shown = queue.items[:_STATIC_ROWS]
    names = [name for name, _ in queue.items[0].values[:_STATIC_COLUMNS]]
    head = [
        "Row",
        "Given",
        "Predicted by the quick model",
        "Score",
        "Decision",
        *map(shorten, names),
    ]
    rows = []
    for item in shown:
        decided = queue.decision(item.row)
        said = f"{_said(decided)} by {decided.by}" if decided else "open"
        cells = [shorten(value, 160) for _, value in item.values[:_STATIC_COLUMNS]]
        rows.append(
            [item.row, _text(item.given), _text(item.suggested), f"{item.score:.3f}", said, *cells]
        )
    more = len(queue.items) - len(shown)
    note = f"<p>{more} more rows are queued.</p>" if more > 0 else ""
    return "<h4>Rows with the lowest label quality</h4>" + _strip(shown) + table(head, rows) + note


def _strip(items: Sequence[Item]) -> str:
    """Return the images of several rows side by side, each with what is said of it."""
    found = "".join(
        f'<figure style="margin:0">{_pictures(item, 72)}<figcaption style="font-size:12px">row'
        f" {item.row}<br>given {html.escape(shorten(_text(item.given), 16))}, or"
        f" {html.escape(shorten(_text(item.suggested), 16))}?</figcaption></figure>"
        for item in items
        if item.pictures
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px 14px">{found}</div>' if found else ""


def _said(decision: Decision) -> str:
    if decision.action == "relabel":
        return f"relabelled to {_text(decision.label)}"
    return {"accept": "accepted", "drop": "dropped"}.get(decision.action, decision.action)


def _text(label: str | float | None) -> str:
    return formats.number(label, 6) if isinstance(label, float) else str(label)
