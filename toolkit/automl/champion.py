"""The champion: one model, calibrated, with a threshold, in a folder of its own."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical, metrics, table
from toolkit.artifacts import Bin, Champion, Check, Entry, Leaderboard, OutOfFoldPredictions
from toolkit.automl import calibration, ledger, threshold
from toolkit.automl.model import load_model, read_facts, write_facts
from toolkit.errors import ProjectError, RunError
from toolkit.run import fingerprint

if TYPE_CHECKING:
    from toolkit.run.manifest import StageRecord
    from toolkit.run.stage import Stage

FOLDER = f"{ledger.MODELS}/champion"
_BINS = 10
_LEAST_FOR_STEPS = 100
"""Validation rows below which `auto` does not try the step function."""
_LEAST_OF_A_CLASS = 5
_LARGE_ERROR = 0.1


@dataclass(frozen=True)
class _Calibrated:
    """The calibration, and the validation rows' probabilities by folds that left them out."""

    fitted: calibration.Calibration
    scores: dict[str, float]
    honest: np.ndarray
    checks: list[Check]


def choose(stage: Stage) -> Champion:
    """Choose the champion by rule or by hand, calibrate it, and set its threshold.

    The model's folder ``models/champion`` is written with all that is needed to score raw
    rows elsewhere.

    Parameters
    ----------
    stage : Stage
        The open stage ``automl``, after `toolkit.automl.search`.

    Raises
    ------
    ProjectError
        If ``choice.champion`` is not on the leaderboard.
    """
    leaderboard = stage.read(Leaderboard)
    entry, rule, reason = _pick(stage, leaderboard)
    stage.progress(f"champion: {entry.name}")
    part = table.load_part(stage, "validation")
    source = stage.run.folder / ledger.MODELS / entry.name
    model = load_model(source)
    raw = _predictions(stage, entry.name, model.classes)
    positive = part.target.astype(str) == model.classes[-1] if model.task == "binary" else None
    facts: dict[str, Any] = {}
    checks = _against_baseline(leaderboard, entry)
    if model.task == "regression":
        chosen = _Calibrated(calibration.Calibration(), {}, raw, [])
    else:
        codes = metrics.class_codes(part.target, model.classes)
        chosen = _calibrate(stage, raw, codes)
        facts |= _curves(raw, chosen.honest, codes)
        checks += [*chosen.checks, *_error_check(facts["calibration_error"], len(part))]
    if positive is not None:
        cut = _threshold(stage, chosen.honest[:, 1], positive)
        facts |= {
            "threshold": cut.threshold,
            "threshold_rule": cut.rule,
            "threshold_curve": cut.curve,
        }
    folder = _write_folder(stage, source, chosen.fitted, facts.get("threshold"))
    champion = Champion(
        name=entry.name,
        engine=entry.engine,
        family=entry.family,
        rule=rule,
        reason=reason,
        best=leaderboard.entries[0].name,
        model=FOLDER,
        model_digest=canonical.digest_file(folder),
        calibration=chosen.fitted.method,
        calibration_scores=chosen.scores,
        checks=checks,
        **facts,
    )
    stage.write(champion)
    stage.wrote(FOLDER)
    return champion


def rechoose(stage: Stage) -> Champion:
    """Choose again after a click, and keep the stage's record true if it was finished.

    Raises
    ------
    RunBusy
        If another notebook writes to the run meanwhile.
    RunError
        If what the models were searched with has changed since.
    """
    stage.run.acquire()
    record = stage.run.manifest().stages.get(stage.name)
    if record is None or record.status != "done":
        return choose(stage)
    try:
        _refuse_outdated(stage, record)
        champion = choose(stage)
        stage.finish()
    finally:
        stage.run.release()
    return champion


def _refuse_outdated(stage: Stage, record: StageRecord) -> None:
    # Finishing once more would vouch for a leaderboard that no longer follows from these.
    dump, then = (p.model_dump(mode="json") for p in (stage.project, stage.computed_with))
    sections = {key.partition(".")[0] for key in fingerprint.SECTIONS[stage.name]} - {"choice"}
    changed = sorted(key for key in sections if dump[key] != then[key])
    changed += sorted(
        name
        for name, digest in record.inputs.items()
        if fingerprint.digest_or_absent(fingerprint.resolve(name, stage.run, stage.file)) != digest
    )
    if changed:
        raise RunError(
            f"changed since the search: {', '.join(changed)}",
            remedy="Saved; run this notebook again to carry it out",
        )


def _pick(stage: Stage, leaderboard: Leaderboard) -> tuple[Entry, str, str]:
    choice = stage.project.choice
    title = metrics.get(leaderboard.metric).title
    if choice.champion == "best":
        best = leaderboard.entries[0]
        return best, "best", f"Best {title} on {leaderboard.scored_rows} validation rows."
    for entry in leaderboard.entries:
        if entry.name == choice.champion:
            return entry, "by hand", choice.reason
    raise ProjectError(
        f"no model {choice.champion!r} is on the leaderboard",
        where="choice.champion",
        expected="best, " + ", ".join(entry.name for entry in leaderboard.entries),
    )


def _predictions(stage: Stage, name: str, classes: list[str]) -> np.ndarray:
    frame = stage.read(OutOfFoldPredictions).frame
    if not classes:
        return frame[name].to_numpy(dtype=np.float64)
    return frame[[f"{name}:{label}" for label in classes]].to_numpy(dtype=np.float64)


def _calibrate(stage: Stage, raw: np.ndarray, codes: np.ndarray) -> _Calibrated:
    wanted, seed = stage.project.choice.calibration, stage.project.seed
    counts = np.bincount(codes, minlength=raw.shape[1])
    rarest = int(counts[counts > 0].min())
    checks = []
    methods = list(calibration.METHODS) if wanted == "auto" else sorted({"none", wanted})
    if wanted == "auto" and rarest < _LEAST_OF_A_CLASS and raw.shape[1] == 2:
        methods = ["none"]
    elif wanted == "auto" and len(codes) < _LEAST_FOR_STEPS:
        methods.remove("isotonic")
    if wanted == "auto" and len(methods) < len(calibration.METHODS):
        checks.append(
            Check(
                name="Rows for calibration",
                severity="info",
                message=f"{len(codes)} validation rows, {rarest} of the rarest class: only"
                f" {' and '.join(methods)} tried.",
            )
        )
    honest = {name: calibration.cross_fitted(name, raw, codes, seed) for name in methods}
    scores = {name: calibration.log_loss(honest[name], codes) for name in methods}
    # Of equals the simplest: `METHODS` is in that order.
    best = min(methods, key=lambda name: (scores[name], calibration.METHODS.index(name)))
    chosen = best if wanted == "auto" else wanted
    return _Calibrated(calibration.fit(chosen, raw, codes), scores, honest[chosen], checks)


def _curves(raw: np.ndarray, honest: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    def bins(scores: np.ndarray) -> tuple[list[Bin], float]:
        if scores.shape[1] == 2:
            happened, p = codes == 1, scores[:, 1]
        else:
            # Several classes: how often the likeliest class is right.
            happened, p = scores.argmax(axis=1) == codes, scores.max(axis=1)
        return (
            metrics.calibration_bins(happened, p, _BINS),
            metrics.calibration_error(happened, p, _BINS),
        )

    before, _ = bins(raw)
    after, error = bins(honest)
    return {
        "calibration_before": before,
        "calibration_after": after,
        "calibration_error": error,
    }


def _threshold(stage: Stage, p: np.ndarray, positive: np.ndarray) -> threshold.Chosen:
    project = stage.project
    wanted = project.choice.threshold
    if wanted == "cost":
        return threshold.by_cost(p, positive, project.costs)
    fixed = float(wanted)
    return threshold.Chosen(
        fixed, "set by hand", threshold.curve(p, positive, project.costs, fixed)
    )


def _error_check(error: float, rows: int) -> list[Check]:
    large = error > _LARGE_ERROR
    return [
        Check(
            name="Calibration",
            severity="warning" if large else "ok",
            message=f"Predicted and observed shares differ by {error:.3f} on average"
            f" ({rows} validation rows, cross-fitted).",
            remedy="Do not read the score as a probability" if large else "",
        )
    ]


def _against_baseline(leaderboard: Leaderboard, entry: Entry) -> list[Check]:
    baselines = [e for e in leaderboard.entries if e.engine == "baseline"]
    if not baselines or entry.engine == "baseline":
        return []
    top = baselines[0]
    title = metrics.get(leaderboard.metric).title
    text = f"{title}: {_number(entry)} ({entry.name}), {_number(top)} ({top.name})."
    if top.within_noise or top.name == leaderboard.entries[0].name:
        return [
            Check(
                name="Better than a simple model",
                severity="warning",
                message=f"A simple model cannot be told apart from the best. {text}",
                remedy=f"Consider choosing {top.name} by hand",
            )
        ]
    return [Check(name="Better than a simple model", severity="ok", message=text)]


def _number(entry: Entry) -> str:
    value = entry.score.value
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _write_folder(
    stage: Stage, source: Path, fitted: calibration.Calibration, cut: float | None
) -> Path:
    folder = stage.run.folder / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    facts = read_facts(source)
    facts["calibration"] = asdict(fitted)
    facts["threshold"] = cut
    facts["costs"] = stage.project.costs.model_dump(mode="json")
    write_facts(folder, facts)
    return folder
