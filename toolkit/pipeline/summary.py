"""A run's summary in a few lines: champion, score, and where the report is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from toolkit.artifacts.base import Interval, JsonArtifact
from toolkit.artifacts.report import Verdict
from toolkit.errors import RunError
from toolkit.report.formats import number
from toolkit.run.folder import Run

REPORT = "report.html"

A = TypeVar("A", bound=JsonArtifact)


@dataclass(frozen=True)
class RunSummary:
    """A run's summary.

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
    verdict : Verdict or None
        What the report makes of the model; None if there is none that holds.
    """

    run: Path
    report: Path | None = None
    champion: str = ""
    family: str = ""
    metric: str = ""
    score: Interval | None = None
    rows: str = ""
    verdict: Verdict | None = None

    def score_text(self) -> str:
        """Return the metric with its interval, such as ``log_loss 0.510 [0.470, 0.550]``."""
        if self.score is None or self.score.value is None:
            return ""
        text = f"{self.metric} {number(self.score.value)}"
        if self.score.low is not None and self.score.high is not None:
            text += f" [{number(self.score.low)}, {number(self.score.high)}]"
        return text

    def lines(self) -> list[str]:
        """Return the lines that the command line ends with: the verdict and its reasons first."""
        lines = []
        if self.verdict is not None:
            lines.append(f"verdict   {self.verdict.word}")
            lines += [f"          {each.sentence}" for each in self.verdict.deciding]
        if self.champion:
            lines.append(f"champion  {self.champion} ({self.family})")
        if self.score_text():
            lines.append(f"score     {self.score_text()} on {self.rows}")
        if self.report is not None:
            lines.append(f"report    {self.report}")
        return [*lines, f"run       {self.run}"]


def outcome(run: Run) -> RunSummary:
    """Return what a run came to so far."""
    from toolkit.artifacts.automl import Champion, Leaderboard
    from toolkit.artifacts.evaluate import Evaluation

    report = run.folder / REPORT
    found = RunSummary(run.folder, report if report.is_file() else None, verdict=_verdict(run))
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
    return replace(
        found,
        champion=champion.name,
        family=champion.family,
        metric=metric,
        score=score,
        rows=rows,
    )


def _verdict(run: Run) -> Verdict | None:
    """Return the report's verdict, unless a stage has run since."""
    from toolkit.artifacts.report import ReportData

    report = _try(run, ReportData)
    stages = run.manifest().stages
    record = stages.get(ReportData.stage)
    if report is None or record is None or record.status != "done":
        return None
    since = any(other.started > record.started for other in stages.values())
    return None if since else report.verdict


def _try(run: Run, kind: type[A]) -> A | None:
    if not run.has(kind):
        return None
    try:
        return run.read(kind)
    except RunError:
        return None
