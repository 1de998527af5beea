"""What of a run is mirrored: parameters, metrics, tags and files. Knows nothing of MLflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit import canonical
from toolkit.artifacts import (
    Champion,
    Evaluation,
    Explanation,
    Feasibility,
    Intake,
    Interval,
    LabelReview,
    Leaderboard,
    ReportData,
    SearchSummary,
    SplitSummary,
)
from toolkit.project.model import Project
from toolkit.project.sources import person
from toolkit.run.folder import Run
from toolkit.run.manifest import Manifest

VERDICT_TAG = "toolkit.verdict"
LONGEST_VALUE = 500  # MLflow's limit for a parameter in older servers
LONGEST_NAME = 250
_NOT_ALLOWED = re.compile(r"[^\w\-. /]")
_FILES = ("*.json", "report.html", "log.txt")
_COPIES = "notebooks"
_OWN_FILE = "tracking.json"
_DIGEST_LENGTH = 36  # MLflow's limit for a data set's digest


def params(project: Project) -> dict[str, str]:
    """Return the choices as flat names and texts; columns are only counted.

    A long value is cut, with an ellipsis; the whole project is in ``run.json``, which is
    among the files.
    """
    dump = project.model_dump(mode="json")
    columns = dump.pop("columns")
    dump["columns"] = {
        "total": len(columns),
        "features": sum(column["role"] == "feature" for column in columns.values()),
        "protected": sum(column["protected"] for column in columns.values()),
    }
    # Where it is mirrored to is no property of the model, and may hold a password.
    dump.pop("tracking")
    if dump["data"]["format"] == "sql":
        dump["data"]["source"] = "sql"
    return {name_of(key): _cut(value) for key, value in _flat(dump)}


def metrics(run: Run) -> dict[str, float]:
    """Return the numbers of a run that are there, by name."""
    found: dict[str, float | None] = {}
    if run.has(Leaderboard):
        board = run.read(Leaderboard)
        for entry in board.entries:
            found |= _interval(f"out_of_fold.{board.metric}.{entry.name}", entry.score)
    if run.has(SearchSummary):
        search = run.read(SearchSummary)
        found["search.seconds"] = search.seconds
        found["search.peak_mib"] = search.peak_mib
        for status in ("done", "failed", "skipped"):
            found[f"search.{status}"] = sum(each.status == status for each in search.trials)
    if run.has(Champion):
        found |= _champion(run.read(Champion))
    if run.has(Evaluation):
        found |= _test_metrics(run.read(Evaluation))
    if run.has(Explanation):
        found["explanation.additivity_error"] = run.read(Explanation).additivity_error
    if run.has(LabelReview):
        review = run.read(LabelReview)
        for name in ("issues", "reviewed", "relabelled", "dropped"):
            found[f"labels.{name}"] = getattr(review, name)
    if run.has(SplitSummary):
        for part in run.read(SplitSummary).parts:
            found[f"rows.{part.part}"] = part.rows
    return {name_of(name): float(value) for name, value in found.items() if value is not None}


def tags(run: Run, project: Project, place: str) -> dict[str, str]:
    """Return what identifies a run, and which data and code it is made from."""
    manifest = run.manifest()
    found = {
        "toolkit.run_id": run.id,
        "toolkit.project": place,
        "toolkit.version": manifest.toolkit,
        "toolkit.project_digest": manifest.project_digest,
        "toolkit.seed": str(project.seed),
    }
    if run.has(Intake):
        intake = run.read(Intake)
        found["toolkit.data_digest"] = intake.digest
        found["toolkit.table_digest"] = intake.table_digest
    if run.has(Champion):
        champion = run.read(Champion)
        found["toolkit.champion"] = champion.name
        found["toolkit.champion_engine"] = champion.engine
    if run.has(Feasibility):
        found["toolkit.metric"] = run.read(Feasibility).metric
    found |= verdict(run)
    return {**found, "toolkit.risk_tier": project.governance.risk_tier, "mlflow.user": person()}


def verdict(run: Run) -> dict[str, str]:
    """Return the report's verdict and the rules that decide it, as tags."""
    judged = run.read(ReportData).verdict if run.has(ReportData) else None
    if judged is None:
        return {}
    rules = ", ".join(each.rule for each in judged.deciding)
    return {VERDICT_TAG: judged.word, "toolkit.verdict_rules": rules}


def fit(run: Run) -> bool:
    """Whether the report's verdict is that the model is fit for the stated use."""
    judged = run.read(ReportData).verdict if run.has(ReportData) else None
    return judged is not None and judged.fit


def dataset(run: Run, project: Project) -> dict[str, str] | None:
    """Return name, digest, source and a profile of the table, without any of its values."""
    if not run.has(Intake):
        return None
    intake = run.read(Intake)
    types = {column.name: column.type for column in intake.columns}
    return {
        "name": project.name,
        "digest": intake.table_digest.removeprefix("sha256:")[:_DIGEST_LENGTH],
        "source": canonical.dumps({"source": intake.source, "digest": intake.digest}),
        "profile": canonical.dumps({"num_rows": intake.rows, "num_columns": len(types)}),
        "schema": canonical.dumps({"columns": types}),
    }


def files(run: Run) -> list[tuple[Path, str]]:
    """Return the files to copy, each with its folder in MLflow (empty: the root)."""
    own = {run.folder / _OWN_FILE}
    found = sorted({path for pattern in _FILES for path in run.folder.glob(pattern)} - own)
    copies = sorted((run.folder / _COPIES).glob("*.ipynb"))
    kept = [(path, "") for path in found if not path.name.startswith(".")]
    return kept + [(path, _COPIES) for path in copies]


def finished(run: Run) -> bool:
    """Whether every stage before this one is done."""
    return all(
        record.status == "done"
        for name, record in run.read(Manifest).stages.items()
        if name != "report"
    )


def name_of(text: str) -> str:
    """Return a name that MLflow takes, whatever a column or a class is called."""
    return _NOT_ALLOWED.sub("_", text)[:LONGEST_NAME]


def _champion(champion: Champion) -> dict[str, float | None]:
    found: dict[str, float | None] = {
        "champion.threshold": champion.threshold,
        "champion.calibration_error_before": champion.error_before,
        "champion.calibration_error": champion.calibration_error,
    }
    if champion.holdout is not None:
        found |= _interval(f"holdout.{champion.holdout.metric}", champion.holdout.score)
        found["holdout.optimism"] = champion.holdout.optimism
    if champion.shuffled is not None:
        found |= _interval(f"shuffled.{champion.shuffled.metric}", champion.shuffled.score)
    if champion.conformal is not None:
        found |= _interval("conformal.coverage", champion.conformal.measured)
        found["conformal.size"] = champion.conformal.size
    return found


def _test_metrics(evaluation: Evaluation) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, score in evaluation.metrics.items():
        found |= _interval(f"test.{name}", score)
        found[f"test.constant.{name}"] = evaluation.constant.get(name)
    if evaluation.cost is not None:
        found |= _interval("test.cost", evaluation.cost)
    for verdict in evaluation.fairness:
        name = f"test.fairness.{verdict.metric}.{verdict.column}"
        found |= _interval(name, verdict.difference)
    return found


def _interval(name: str, score: Interval) -> dict[str, float | None]:
    return {name: score.value, f"{name}.low": score.low, f"{name}.high": score.high}


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
