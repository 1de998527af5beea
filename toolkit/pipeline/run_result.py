"""The result of a run: champion, score, verdict, and where the report is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from toolkit.artifacts.automl import Champion, Leaderboard
from toolkit.artifacts.base import Interval, JsonArtifact
from toolkit.artifacts.evaluate import Evaluation
from toolkit.artifacts.report import ReportData, Verdict
from toolkit.errors import RunError
from toolkit.report.formats import number
from toolkit.run.folder import Run

A = TypeVar("A", bound=JsonArtifact)


def read_run(folder: Path | str) -> RunResult:
    """Return a run, to read what it computed: ``read_run(folder).read(Leaderboard)``.

    Parameters
    ----------
    folder : path
        The run's folder, such as ``churn/runs/first``.

    Raises
    ------
    MissingArtifact
        If the folder holds no run.
    RunError
        If its ``run.json`` is damaged.
    """
    run = RunResult(folder)
    run.manifest()
    return run


class RunResult(Run):
    """A run and what it came to so far; a notebook shows it in a few lines."""

    @property
    def report(self) -> Path | None:
        """The report's HTML file, if it was made."""
        path = self.folder / "report.html"
        return path if path.is_file() else None

    @property
    def verdict(self) -> Verdict | None:
        """What the report makes of the model; None if a stage has run since, or none is there."""
        report = self._try(ReportData)
        if report is None:
            return None
        stages = self.manifest().stages
        record = stages.get(ReportData.stage)
        if record is None or record.status != "done":
            return None
        since = any(other.started > record.started for other in stages.values())
        return None if since else report.verdict

    @property
    def champion(self) -> Champion | None:
        """The chosen model, if one was."""
        return self._try(Champion)

    @property
    def score(self) -> str:
        """The champion's score with its interval: ``log_loss 0.510 [0.470, 0.550]``."""
        return self._score()[0]

    def lines(self) -> list[str]:
        """Return the lines that the command ends with: the verdict and its reasons first."""
        lines = verdict_lines(self.verdict)
        if (champion := self.champion) is not None:
            lines.append(f"champion  {champion.name} ({champion.family})")
        score, rows = self._score()
        if score:
            lines.append(f"score     {score} on {rows}")
        if (report := self.report) is not None:
            lines.append(f"report    {report}")
        return [*lines, f"run       {self.folder}"]

    def _score(self) -> tuple[str, str]:
        """Return the score as text, and which rows it is of; both empty without a score."""
        champion = self.champion
        evaluation, board = self._try(Evaluation), self._try(Leaderboard)
        if champion is not None and evaluation is not None:
            score = evaluation.metrics.get(evaluation.metric)
            return _text(evaluation.metric, score), f"{evaluation.rows} test rows"
        if champion is not None and board is not None:
            score = next((e.score for e in board.entries if e.name == champion.name), None)
            return _text(board.metric, score), f"{board.scored_rows} out-of-fold rows"
        return "", ""

    def _try(self, kind: type[A]) -> A | None:
        try:
            return self.read(kind) if self.has(kind) else None
        except RunError:
            return None

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("\n".join(self.lines()))


def verdict_lines(verdict: Verdict | None) -> list[str]:
    """Return a verdict and the sentences that decide it; nothing where there is none."""
    if verdict is None:
        return []
    reasons = [f"          {each.sentence}" for each in verdict.deciding]
    return [f"verdict   {verdict.word}", *reasons]


def _text(metric: str, score: Interval | None) -> str:
    if score is None or score.value is None:
        return ""
    text = f"{metric} {number(score.value)}"
    if score.low is not None and score.high is not None:
        text += f" [{number(score.low)}, {number(score.high)}]"
    return text
