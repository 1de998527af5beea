"""What a run came to, in a few lines: the champion, how good it is, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from toolkit.artifacts.base import Interval, JsonArtifact
from toolkit.errors import RunError
from toolkit.report.formats import number
from toolkit.run.folder import Run

REPORT = "report.html"

A = TypeVar("A", bound=JsonArtifact)


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes
    ----------
    run : Path
        The run's folder.
    report : Path or None
        The report, if it was made.
    champion : str
        The model's name; empty if none was chosen yet.
    family : str
        Its algorithm in words.
    metric : str
        The metric that ranks models.
    score : Interval or None
        That metric on the rows named in ``rows``.
    rows : str
        Which rows, in words.
    """

    run: Path
    report: Path | None = None
    champion: str = ""
    family: str = ""
    metric: str = ""
    score: Interval | None = None
    rows: str = ""

    def score_text(self) -> str:
        """Return the metric with its interval, such as ``log_loss 0.510 [0.470, 0.550]``."""
        if self.score is None or self.score.value is None:
            return ""
        text = f"{self.metric} {number(self.score.value)}"
        if self.score.low is not None and self.score.high is not None:
            text += f" [{number(self.score.low)}, {number(self.score.high)}]"
        return text

    def lines(self) -> list[str]:
        """Return the lines that the command line ends with."""
        lines = []
        if self.champion:
            lines.append(f"champion  {self.champion} ({self.family})")
        if self.score_text():
            lines.append(f"score     {self.score_text()} on {self.rows}")
        if self.report is not None:
            lines.append(f"report    {self.report}")
        return [*lines, f"run       {self.run}"]


def outcome(run: Run) -> Outcome:
    """Return what a run came to so far."""
    from toolkit.artifacts.automl import Champion, Leaderboard
    from toolkit.artifacts.explain import Evaluation

    report = run.folder / REPORT
    found = Outcome(run.folder, report if report.is_file() else None)
    champion = _try(run, Champion)
    if champion is None:
        return found
    evaluation, board = _try(run, Evaluation), _try(run, Leaderboard)
    metric, score, rows = "", None, ""
    if evaluation is not None:
        metric, score = evaluation.metric, evaluation.metrics.get(evaluation.metric)
        rows = f"{evaluation.rows} test rows"
    elif board is not None:
        metric = board.metric
        score = next((e.score for e in board.entries if e.name == champion.name), None)
        rows = f"{board.scored_rows} out-of-fold rows"
    return Outcome(found.run, found.report, champion.name, champion.family, metric, score, rows)


def _try(run: Run, kind: type[A]) -> A | None:
    if not run.has(kind):
        return None
    try:
        return run.read(kind)
    except RunError:
        return None
