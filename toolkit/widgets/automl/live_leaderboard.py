"""The search as it goes on, and the button that ends it."""

from __future__ import annotations

import html
import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from toolkit import metrics
from toolkit.automl.search_state import SearchState
from toolkit.plots.automl import search as figures
from toolkit.plots.automl.shared import number
from toolkit.plots.style import shorten, untypeset
from toolkit.widgets.kit.panel import shim, table

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

_SHOWN = 12
_PAUSE = 4.0
"""Seconds between two drawings of the curve, which costs a core a fifth of a second."""
_FAILED = 'style="background:#b91c1c;color:#fff;padding:2px 8px;margin:2px 0"'


class LiveLeaderboard(w.VBox):
    """The search while it runs: hand it to `toolkit.automl.search`.

    It shows the leaderboard so far, the best score over time, what is left of the budget, what
    each worker does now, and what failed. Its button ends the search, and what is finished is
    kept; so does an interrupt of the kernel, in front ends where a click waits until the cell
    has ended.

    Parameters
    ----------
    stage : Stage
        The open stage.

    Attributes
    ----------
    stop : ipywidgets.Button
        Ends the search.
    state : SearchState
        What is shown.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(layout=w.Layout(width="100%"))
        self.add_class("toolkit-panel")
        name, reason = metrics.resolve(stage.project)
        self.state = SearchState(metric=name)
        self._reason = reason
        self._asked = threading.Event()
        self._drawn = (0, 0.0)
        self._running = False
        self.stop = w.Button(
            description="Stop and keep the finished models", icon="stop", disabled=True
        )
        self.stop.on_click(lambda _: self._stop())
        self._said = w.HTML()
        self._spent = w.HTML()
        self._failed = w.HTML()
        self._table = w.HTML(layout=w.Layout(flex="1 1 380px", min_width="0"))
        self._curve = w.HTML(layout=w.Layout(flex="1 1 380px", min_width="0"))
        row = w.Layout(width="100%", flex_flow="row wrap", align_items="flex-start")
        self.children = (
            shim(),
            w.HTML(f"<h3>The search: {html.escape(metrics.get(name).title)}</h3>"),
            self._said,
            w.HBox([self._spent, self.stop], layout=row),
            self._failed,
            w.HBox([self._table, self._curve], layout=row),
        )
        self._show()

    # -- what the search calls -----------------------------------------------------

    def update(self, state: SearchState) -> None:
        """Show the search as it is now."""
        if not self._running or state.elapsed < self.state.elapsed:  # a search begins
            self._running = True
            self._asked.clear()
            self._drawn = (0, 0.0)
        self.state = state
        self._show()
        _hear(self.stop)
        if state.ended:
            self._running = False

    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    # -- showing -------------------------------------------------------------------

    def _stop(self) -> None:
        # Comes on a thread of its own: the kernel's main thread is busy with the search.
        self._asked.set()
        self.stop.disabled = True
        self.stop.description = "Stopping"

    def _show(self) -> None:
        state = self.state
        self.stop.disabled = not self._running or bool(state.ended) or self.stopped()
        if not self.stopped() or state.ended:
            self.stop.description = "Stop and keep the finished models"
        self._set(self._said, f'<div role="status">{self._sentence()}</div>')
        self._set(self._spent, self._bars())
        self._set(self._failed, self._failures())
        self._set(self._table, self._models())
        count, when = self._drawn
        late = time.monotonic() - when > _PAUSE or bool(state.ended)
        if len(state.timeline) > count and late:
            self._set(self._curve, figures.progress(state.metric, state.timeline).html())
            self._drawn = (len(state.timeline), time.monotonic())

    @staticmethod
    def _set(widget: w.HTML, value: str) -> None:
        if widget.value != value:  # what did not change is not read out again
            widget.value = value

    def _sentence(self) -> str:
        state = self.state
        if state.ended:
            text = f"{len(state.rows)} models. {state.ended}"
        elif not state.rows:
            text = "No model yet." if self._running else f"Not started. {self._reason}"
        else:
            best = state.rows[0]
            text = f"{len(state.rows)} models; best so far {best.name}, {number(best.score)}."
        return html.escape(text)

    def _bars(self) -> str:
        state = self.state
        lines = []
        if state.planned:
            lines.append(_bar(state.done, state.planned, f"{state.done} of {state.planned} trials"))
        if state.seconds is not None:
            text = f"{state.elapsed:.0f} of {state.seconds:.0f} seconds"
            lines.append(_bar(state.elapsed, state.seconds, text))
        elif state.elapsed:
            lines.append(f"<div>{state.elapsed:.0f} seconds, no time limit</div>")
        lines += [f"<div>now: {html.escape(shorten(text, 90))}</div>" for text in state.running]
        return "".join(lines)

    def _failures(self) -> str:
        shown = self.state.failures[-4:]
        more = len(self.state.failures) - len(shown)
        lines = [f"<div {_FAILED}>✖ {html.escape(shorten(text, 200))}</div>" for text in shown]
        return "".join(lines) + (f"<div>{more} earlier failures are in the log.</div>" * bool(more))

    def _models(self) -> str:
        rows = [
            (shorten(row.name, 36), shorten(row.family, 36), number(row.score, full=True))
            for row in self.state.rows[:_SHOWN]
        ]
        more = len(self.state.rows) - len(rows)
        if not rows:
            return ""
        head = ("Model", "Algorithm", "Out-of-fold score")
        return table(head, rows) + (f"<p>{more} more.</p>" if more else "")

    def static_html(self) -> str:
        """Return the search as it is now, for readers without a kernel."""
        curve = figures.progress(self.state.metric, self.state.timeline).html()
        return f"<p>{self._sentence()}</p>{self._bars()}{self._failures()}{self._models()}" + (
            curve if self.state.timeline else ""
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        bundle["text/html"] = untypeset(self.static_html())
        bundle["text/plain"] = "LiveLeaderboard"
        return bundle


def _hear(widget: w.Widget) -> None:
    """Let clicks on a widget through while a cell runs.

    JupyterLab sends them to a subshell. From 7.4 on, ipykernel hands them to the shell from
    which the widget was last changed instead: the one that the cell keeps busy. Where it has
    noted none, it does what JupyterLab asked for.
    """
    comm = widget.comm
    if comm is not None:
        vars(comm).pop("_reply_subshell_id", None)


def _bar(done: float, total: float, text: str) -> str:
    share = min(1.0, done / total) if total else 0.0
    words = html.escape(text)
    return (
        f'<div><progress value="{share:.3f}" max="1" style="width:14em;vertical-align:middle"'
        f' aria-label="{words}"></progress> {words}</div>'
    )
