"""The stage: score the labels, replay what people decided, keep both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical, formats
from toolkit.artifacts import Intake, LabelReview, LabelScores, Profile, Rows, Split
from toolkit.errors import MissingArtifact, RunBusy
from toolkit.labels import checks as remarks
from toolkit.labels.content import RowIndex
from toolkit.labels.events import Replay, label_text, replay
from toolkit.labels.queue import Item, Queue
from toolkit.labels.quick import FIT_ROWS, Predictions, out_of_sample
from toolkit.labels.sample import REVIEWED_PARTS, RowsUnderReview, classes_of, load_sample, rank
from toolkit.project.review_decisions import LOG_NAME, read_decisions
from toolkit.run import fingerprint
from toolkit.run.manifest import Manifest
from toolkit.table import target_values
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage

_SIDE = 160
"""Pixels of the images that a reviewer sees."""


def score_labels(stage: Stage) -> LabelReview:
    """Rank the labels of train and validation rows by suspicion, and replay the reviewers' log.

    Test rows are not looked at: they judge the final model, so nobody may touch them up
    with a model's opinion in hand. Writes `LabelScores`, `LabelPatch` and `LabelReview`.

    Parameters
    ----------
    stage : Stage
        The open stage.

    Raises
    ------
    DataError
        If the rows to review have one label only.
    """
    sample = load_sample(stage)
    project = stage.project
    predictions = out_of_sample(
        sample.design,
        sample.codes(),
        classes=sample.classes,
        folds=project.labels.folds,
        seed=project.seed,
        groups=sample.groups,
        copies=sample.copies,
        threads=project.automl.budget.threads,
        report=stage.progress,
    )
    if predictions.capped:
        stage.note(
            f"The quick model for the labels was fitted on {FIT_ROWS:,} rows a fold, drawn at"
            " random, and scored all of them"
        )
    stage.progress("Ranking labels")
    frame = rank(stage, sample, predictions)
    stage.write(LabelScores(frame))
    review = LabelReview(
        model=_in_words(predictions, sample, project.split.column),
        **remarks.quick_model(project, sample.target, predictions.scores, sample.classes),
        rows=len(frame),
        issues=int(frame["issue"].sum()),
        issues_by_class=_issues_by_class(frame, sample.classes),
        queued=len(_queued(frame, project.labels.review)),
        reviewed=0, accepted=0, relabelled=0, dropped=0, skipped=0,
        events_digest=None,
        applied=project.labels.apply,
    )  # fmt: skip
    ranking = remarks.ranking(review, frame, sample.classes)
    review = review.model_copy(update={"checks": [*review.checks, *ranking]})
    return _record(stage, review, _replayed(stage))


def record_decisions(stage: Stage) -> LabelReview:
    """Replay the reviewers' log once more, and write `LabelPatch` and `LabelReview`.

    Decisions made in the panel are recorded at once; this takes in what came by another
    way, such as a colleague's log from version control.
    """
    return _record(stage, stage.read(LabelReview), _replayed(stage))


def open_queue(stage: Stage, by: str | None = None) -> Queue:
    """Return the review queue: the most suspicious rows, and where decisions go.

    Parameters
    ----------
    stage : Stage
        The stage, after `score_labels`.
    by : str, optional
        Who decides; by default the user of this computer.
    """
    project = stage.project
    index = _index(stage)
    scores = _queued(stage.read(LabelScores).frame, project.labels.review)
    names = _informative_first(stage)
    pictured = [name for name in names if project.columns[name].type == "image"]
    texts = [name for name in names if name not in pictured]
    items = [_item(line, index.frame, texts, pictured) for line in scores.to_dict("records")]

    def refresh(log: Replay) -> LabelReview | str:
        return _refresh(stage, log)

    queue = Queue(items, classes_of(stage), index, log_path(stage), refresh=refresh, by=by)
    queue.review = stage.read(LabelReview)
    return queue


def log_path(stage: Stage) -> Path:
    """Return the path of the reviewers' log."""
    return stage.file.decisions / LOG_NAME


def _in_words(predictions: Predictions, sample: RowsUnderReview, group: str | None) -> str:
    count = int(predictions.folds.max()) + 1
    together = f", rows of one {group} together" if sample.groups is not None else ""
    return f"{predictions.model}, {count}-fold cross-validation{together}"


def _issues_by_class(frame: pd.DataFrame, classes: list[str]) -> dict[str, int]:
    counts = frame.loc[frame["issue"], "given"].value_counts() if classes else {}
    return {name: int(counts.get(name, 0)) for name in classes}


def _queued(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    # Where the model agrees with the label there is nothing to ask a person.
    doubted = frame[frame["suggested"] != frame["given"]]
    return doubted.sort_values("rank").head(most)


# -- what people decided -------------------------------------------------------------


def _index(stage: Stage) -> RowIndex:
    return RowIndex(stage.read(Rows).frame, stage.read(Intake).table_digest)


def _replayed(stage: Stage) -> Replay:
    path = log_path(stage)
    stage.depends(path)
    decisions, notes = read_decisions(path)
    unzoned = sum(not decision.zoned for decision in decisions)
    if unzoned:
        notes.append(f"{path.name}: times without a zone are taken as UTC ({unzoned} of them)")
    for note in notes:
        stage.note(note)
    return replay(decisions, _index(stage)) if decisions else Replay()


def _record(stage: Stage, review: LabelReview, log: Replay) -> LabelReview:
    review, refused = _with_decisions(stage, review, log)
    stage.write(log.patch(refused))
    stage.write(review)
    return review


def _with_decisions(
    stage: Stage, review: LabelReview, log: Replay
) -> tuple[LabelReview, frozenset[int]]:
    split = stage.read(Split).frame
    reviewable = set(split.loc[split["part"].isin(REVIEWED_PARTS), "row"].tolist())
    outside = {row for row in log.standing if row not in reviewable}
    unknown = _unknown_labels(stage, log) - outside
    refused = frozenset(outside | unknown)
    actions = [s.decision.action for row, s in log.standing.items() if row not in refused]
    path = log_path(stage)
    facts: dict[str, Any] = {
        "reviewed": len(actions),
        "accepted": actions.count("accept"),
        "relabelled": actions.count("relabel"),
        "dropped": actions.count("drop"),
        "skipped": len(log.skipped),
        "reviewers": log.reviewers,
        "events_digest": canonical.digest_file(path) if log.events and path.exists() else None,
        "applied": stage.project.labels.apply,
    }
    kept = [check for check in review.checks if check.name not in remarks.ABOUT_PEOPLE]
    people = remarks.people(
        log, outside, unknown, reviewed=len(actions), applied=stage.project.labels.apply
    )
    return review.model_copy(update={**facts, "checks": [*people, *kept]}), refused


def _unknown_labels(stage: Stage, log: Replay) -> set[int]:
    import pandas as pd

    relabelled = {
        row: s.decision.label for row, s in log.standing.items() if s.decision.action == "relabel"
    }
    if not relabelled:
        return set()
    if stage.project.target.task == "regression":
        texts = pd.Series([label_text(label) for label in relabelled.values()], dtype="str")
        numbers = target_values(texts, stage.project.target)
        known = np.isfinite(numbers)
        return {row for row, fine in zip(relabelled, known.tolist(), strict=True) if not fine}
    known = set(classes_of(stage))
    return {row for row, label in relabelled.items() if label not in known}


def _refresh(stage: Stage, log: Replay) -> LabelReview | str:
    """Bring the run's files up to date after a click, be the notebook finished or not."""
    run = stage.run
    try:
        review = run.read(LabelReview)
        record = run.manifest().stages.get(stage.name)
    except MissingArtifact as error:
        return error.line()
    finished = record is not None and record.status == "done"
    if record is None or not finished:
        return _record(stage, review, log)
    try:
        with run.locked():
            review, refused = _with_decisions(stage, review, log)
            for artifact in (log.patch(refused), review):
                run.write(artifact)
            _restate(stage, run.manifest())
    except RunBusy:
        return "Saved in the log. Another notebook uses the run: run this one again afterwards."
    return review


def _restate(stage: Stage, manifest: Manifest) -> None:
    # A click after the last cell changes files of a finished stage, and its log.
    record = manifest.stages[stage.name]
    path = log_path(stage)
    name = fingerprint.PROJECT + path.relative_to(stage.file.folder).as_posix()
    outputs = {
        file: fingerprint.digest_or_absent(stage.run.folder / file) for file in record.outputs
    }
    inputs = {**record.inputs, name: fingerprint.digest_or_absent(path)}
    stage.run.record(stage.name, record.model_copy(update={"outputs": outputs, "inputs": inputs}))


# -- what a person sees ----------------------------------------------------------------


def _informative_first(stage: Stage) -> list[str]:
    project = stage.project
    strength: dict[str, float] = {}
    if stage.run.has(Profile):
        strength = {c.name: c.association or 0.0 for c in stage.read(Profile).columns}
    roles = {"feature": 0, "identifier": 1, "group": 1, "time": 1, "ignore": 2}
    names = [name for name, column in project.columns.items() if column.use in roles]
    # Identifiers come after the features: they name the case for whoever looks it up.
    return sorted(
        names, key=lambda name: (roles[project.columns[name].use], -strength.get(name, 0.0))
    )


def _item(line: dict[Any, Any], table: pd.DataFrame, names: list[str], pictured: list[str]) -> Item:
    row = int(line["row"])
    cells = table.iloc[row]
    return Item(
        row=row,
        given=line["given"],
        suggested=line["suggested"],
        score=float(line["score"]),
        flagged=bool(line["issue"]),
        p_given=line.get("p_given"),
        p_suggested=line.get("p_suggested"),
        values=tuple((name, _shown(cells[name])) for name in names if name in cells.index),
        pictures=tuple(
            (name, images.thumbnail(cells[name], _SIDE))
            for name in pictured
            if name in cells.index and cells[name] is not None
        ),
    )


def _shown(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 (NaN)
        return "missing"
    if isinstance(value, float):
        return formats.number(value, 6) if abs(value) < 1e6 else f"{value:,.0f}"
    return value.isoformat(sep=" ") if hasattr(value, "isoformat") else str(value)
