"""The champion: one model, calibrated, with a threshold and intervals, in its own folder."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical, metrics
from toolkit.artifacts import Bin, Champion, Check, Leaderboard
from toolkit.automl.champion_choice import OutOfFoldRows, against_simple, beside, held_rows, pick
from toolkit.automl.checks import holdout, shuffled_labels
from toolkit.automl.decisions import calibration, conformal, threshold
from toolkit.automl.files.model_file import read_facts, write_facts
from toolkit.automl.leaderboard import calibration_error, confidence
from toolkit.automl.model.saved_model import saved_model
from toolkit.automl.workers.trial_store import MODELS
from toolkit.errors import RunError
from toolkit.run import fingerprint

if TYPE_CHECKING:
    from toolkit.automl.model.saved_model import Model
    from toolkit.run.manifest import StageRecord
    from toolkit.run.stage import Stage

FOLDER = f"{MODELS}/champion"
_BINS = 10
_LEAST_FOR_STEPS = 100
"""Rows below which `auto` does not try the step function."""
_LEAST_OF_A_CLASS = 5
_LARGE_ERROR = 0.1


@dataclass(frozen=True)
class _Calibrated:
    """The calibration, and the rows' probabilities by folds that left them out."""

    fitted: calibration.Calibration
    scores: dict[str, float]
    probabilities: np.ndarray
    checks: list[Check]


def choose(stage: Stage) -> Champion:
    """Choose the champion by rule or by hand, calibrate it, set its threshold, look at it.

    Everything is fitted on out-of-fold scores of training rows; the split's validation part
    is looked at once, when all is fixed. The model's folder ``models/champion`` is written
    with all that is needed to score raw rows elsewhere.

    Parameters
    ----------
    stage : Stage
        The open stage ``automl``, after `toolkit.automl.search`.

    Raises
    ------
    ProjectError
        If ``choice.champion`` is not on the leaderboard, or no model keeps to the constraints.
    """
    leaderboard = stage.read(Leaderboard)
    source = stage.run.folder / MODELS
    model = saved_model(source / leaderboard.entries[0].name)
    held = held_rows(stage, model.classes)
    picked = pick(stage, leaderboard)
    entry = picked.entry
    stage.progress(f"champion: {entry.name}")
    if entry.name != model.name:
        model = saved_model(source / entry.name)
    raw = held.scores(entry.name)
    facts: dict[str, Any] = {}
    context = metrics.Context(model.task, model.classes, None, stage.project.costs)
    facts["beside"] = beside(stage, leaderboard, entry, held, context)
    checks = [*picked.checks, *against_simple(leaderboard, entry, facts["beside"])]
    chosen = _calibrate(stage, raw, held)
    if model.classes:
        facts |= _curves(raw, chosen.probabilities, held)
        checks += [*chosen.checks, *_error_check(facts["calibration_error"], len(raw))]
    if model.task == "binary":
        cut = _threshold(stage, chosen.probabilities[:, 1], held)
        checks += _limit(cut)
        facts |= {
            "threshold": cut.threshold,
            "threshold_rule": cut.rule,
            "threshold_curve": cut.curve,
        }
    learnt = _conformal(stage, model, chosen.probabilities, held)
    folder = _write_folder(stage, model.folder, chosen.fitted, facts.get("threshold"), learnt)
    seen = holdout.score_holdout(stage, saved_model(folder), entry, leaderboard)
    if seen is not None:
        facts |= {"holdout": seen.holdout, "conformal": seen.conformal}
        checks += seen.checks
    found = shuffled_labels.recorded(stage, entry)
    if found is not None:
        facts["shuffled"] = found.result
        checks += found.checks
    champion = Champion(
        name=entry.name,
        engine=entry.engine,
        family=entry.family,
        rule=picked.rule,
        reason=picked.reason,
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


def _calibrate(stage: Stage, raw: np.ndarray, held: OutOfFoldRows) -> _Calibrated:
    if raw.ndim == 1:
        return _Calibrated(calibration.Calibration(), {}, raw, [])
    wanted, seed = stage.project.choice.calibration, stage.project.seed
    codes, weights = held.actual, held.weights
    counts = np.bincount(codes, minlength=raw.shape[1])
    rarest = int(counts[counts > 0].min())
    checks = []
    methods: list[str] = list(calibration.METHODS) if wanted == "auto" else sorted({"none", wanted})
    if wanted == "auto" and rarest < _LEAST_OF_A_CLASS and raw.shape[1] == 2:
        methods = ["none"]
    elif wanted == "auto" and len(codes) < _LEAST_FOR_STEPS:
        methods.remove("isotonic")
    if wanted == "auto" and len(methods) < len(calibration.METHODS):
        checks.append(
            Check(
                name="Rows for calibration",
                severity="info",
                message=f"{len(codes)} out-of-fold rows, {rarest} of the rarest class: only"
                f" {' and '.join(methods)} tried.",
            )
        )
    probabilities = {m: calibration.cross_fitted(m, raw, codes, seed, weights) for m in methods}
    scores = {m: calibration.log_loss(probabilities[m], codes, weights) for m in methods}
    chosen: str = wanted
    if wanted == "auto" and stage.project.automl.class_weights == "balanced":
        chosen = min(methods, key=lambda name: scores[name])  # `none` is known to be wrong
    elif wanted == "auto":
        chosen = calibration.simplest(probabilities, codes, weights)
    fitted = calibration.fit(chosen, raw, codes, weights)
    return _Calibrated(fitted, scores, probabilities[chosen], checks)


def _curves(raw: np.ndarray, probabilities: np.ndarray, held: OutOfFoldRows) -> dict[str, Any]:
    def bins(scores: np.ndarray) -> list[Bin]:
        happened, p = confidence(scores, held.actual)
        return metrics.calibration_bins(happened, p, _BINS, weights=held.weights)

    return {
        "calibration_before": bins(raw),
        "calibration_after": bins(probabilities),
        "error_before": calibration_error(raw, held.actual, held.weights),
        "calibration_error": calibration_error(probabilities, held.actual, held.weights),
    }


def _threshold(stage: Stage, p: np.ndarray, held: OutOfFoldRows) -> threshold.ThresholdChoice:
    project, positive, weights = stage.project, held.actual == 1, held.weights
    wanted = project.choice.threshold
    if wanted == "cost":
        return threshold.by_cost(p, positive, project.costs, weights)
    if isinstance(wanted, str):
        return threshold.by_rule(wanted, p, positive, project.costs, weights)
    fixed = float(wanted)
    return threshold.ThresholdChoice(
        fixed, "set by hand", threshold.curve(p, positive, project.costs, fixed, weights)
    )


def _limit(cut: threshold.ThresholdChoice) -> list[Check]:
    """Say where a limit on the threshold is not kept, or may not be."""
    problem = f"The limit cannot be kept: {cut.missed}." if cut.missed else ""
    if cut.weak:
        problem = f"The limit may not be kept on other rows: {cut.weak}."
    if not problem:
        return []
    return [
        Check(
            name="Threshold's limit",
            severity="warning",
            message=problem,
            remedy="Relax choice.threshold, or search for a better model",
        )
    ]


def _conformal(
    stage: Stage, model: Model, probabilities: np.ndarray, held: OutOfFoldRows
) -> conformal.ConformalFit:
    project = stage.project
    coverage, seed = project.choice.coverage, project.seed
    rows = np.arange(len(probabilities))
    if len(rows) > conformal.MOST_ROWS:
        drawn = np.random.default_rng(seed).permutation(rows)[: conformal.MOST_ROWS]
        rows = np.sort(drawn)
    weights = None if held.weights is None else held.weights[rows]
    if model.classes:
        return conformal.learn_sets(probabilities[rows], held.actual[rows], coverage, weights)
    design = model.inputs(held.typed.iloc[rows]).design
    return conformal.learn_intervals(
        probabilities[rows], held.actual[rows], design, held.fold[rows], coverage,
        seed=seed, weights=weights,
    )  # fmt: skip


def _error_check(error: float, rows: int) -> list[Check]:
    large = error > _LARGE_ERROR
    return [
        Check(
            name="Calibration",
            severity="warning" if large else "ok",
            message=f"Predicted and observed shares differ by {error:.3f} on average"
            f" ({rows:,} out-of-fold rows, cross-fitted).",
            remedy="Do not use the scores as probabilities" if large else "",
        )
    ]


def _write_folder(
    stage: Stage,
    source: Path,
    fitted: calibration.Calibration,
    cut: float | None,
    learnt: conformal.ConformalFit,
) -> Path:
    folder = stage.run.folder / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    facts = read_facts(source)
    facts["calibration"] = asdict(fitted)
    facts["threshold"] = cut
    facts["conformal"] = learnt.facts()
    facts["costs"] = stage.project.costs.model_dump(mode="json")
    write_facts(folder, facts)
    return folder
