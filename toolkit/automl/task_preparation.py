"""From the run's artefacts to the task that every engine gets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import Rows
from toolkit.automl import engines
from toolkit.automl.folds import Folds, make_folds
from toolkit.automl.inputs import Inputs
from toolkit.automl.task import SearchTask, Size, TaskFacts, balanced
from toolkit.automl.trial_plan import effective
from toolkit.automl.workers.scheduler import WORKERS
from toolkit.errors import DataError, ProjectError

if TYPE_CHECKING:
    from toolkit.project.data import Column
    from toolkit.run.stage import Stage
    from toolkit.table import Part


def prepare(stage: Stage) -> tuple[SearchTask, np.ndarray]:
    """Return the task, and the table's row of each training row.

    Raises
    ------
    DataError
        If the rows cannot be learned from.
    ProjectError
        If a constraint names a column that is not there.
    """
    project = stage.project
    whole = table.load_part(stage, "train")
    part, total = _sampled(stage, whole), len(whole)
    del whole  # it may be several times as large
    columns = _columns(stage, part)
    classes = classes_of(stage, part.target)
    _refuse_unlearnable(stage, part, columns, classes)
    codes = metrics.class_codes(part.target, classes) if classes else None
    preset = effective(project.automl, Size(len(part), len(columns), len(classes)))
    folds = _folds(stage, part, codes, preset.folds)
    stage.progress(f"preparing {len(columns)} columns of {len(part):,} rows")
    typed = part.frame[list(columns)]
    alone = project.automl.constraints.monotonic
    features = table.Features.fit(typed, columns, project.seed, alone=alone)
    stage.write(features.map())
    for note in features.notes:
        stage.note(note)
    inputs = Inputs(typed, features)
    automl = project.automl
    facts = TaskFacts(
        task=project.target.task,
        classes=classes,
        columns={name: column.model_dump(mode="json") for name, column in columns.items()},
        rows=len(part),
        width=inputs.design.shape[1],
        seed=project.seed,
        folds=folds.count,
        threads=threads_of_a_trial(project.automl.engines, automl.budget.threads),
        ordered=folds.ordered,
        trials=preset.trials,
        epochs=preset.epochs,
        speedup=preset.speedup,
        memory_gib=automl.budget.memory_gib,
        class_weights=automl.class_weights,
        augmentation=automl.augmentation,
        monotonic=dict(automl.constraints.monotonic),
        metric=metrics.resolve(project)[0],
        h2o_url=project.h2o.url,
        parquet_mib=project.h2o.parquet_mib,
    )
    target = part.target.astype(np.float64) if codes is None else codes.astype(np.int64)
    task = SearchTask(
        facts,
        inputs,
        target,
        _weights(stage, part, codes),
        folds,
        drawn_from=total if total > len(target) else None,
        schema=table.InputSchema.learn(stage.read(Rows).frame, columns, part.rows),
    )
    return task, part.rows


def _sampled(stage: Stage, part: Part) -> Part:
    """Return all rows, or as many as the project allows, drawn at random."""
    most = stage.project.automl.rows
    if len(part) <= most:
        return part
    generator = np.random.default_rng(stage.project.seed)
    rows = np.sort(generator.choice(len(part), most, replace=False))
    # The standard error of a mean falls with the root of the rows that it is taken over.
    wider = np.sqrt(len(part) / most)
    stage.note(
        f"The search learns from {most:,} of {len(part):,} training rows, drawn at random"
        f" (automl.rows): intervals are {wider:.1f} times as wide as all rows would give"
    )
    return dataclasses.replace(
        part,
        rows=part.rows[rows],
        frame=part.frame.iloc[rows].reset_index(drop=True),
        target=part.target[rows],
        part=part.part[rows],
        weights=None if part.weights is None else part.weights[rows],
    )


def classes_of(stage: Stage, *targets: np.ndarray) -> list[str]:
    """Return the classes in the order of scores; none for regression."""
    target = stage.project.target
    if target.task == "regression":
        return []
    found = sorted({str(label) for labels in targets for label in labels})
    if target.task == "multiclass":
        return found
    positive = str(target.positive)
    return [*(label for label in found if label != positive), positive]


def threads_of_a_trial(names: list[Any], threads: int) -> int:
    """Return the threads that one trial may use: what is left when workers share them."""
    named = [engines.get(name) for name in names]
    alone = len({e.process_group for e in named}) == 1 and all(e.runs_alone for e in named)
    return max(1, threads if alone else threads // WORKERS)


def _columns(stage: Stage, part: Part) -> dict[str, Column]:
    constraints = stage.project.automl.constraints
    for key, names in (
        ("exclude", constraints.exclude),
        ("force", constraints.force),
        ("monotonic", list(constraints.monotonic)),
    ):
        unknown = [name for name in names if name not in part.columns]
        if unknown:
            raise ProjectError(
                f"{unknown[0]!r} is no feature of this table",
                where=f"automl.constraints.{key}",
                expected="columns with the role `feature`",
            )
    both = sorted(set(constraints.exclude) & set(constraints.force))
    if both:
        raise ProjectError(f"{both[0]!r} is both excluded and forced", where="automl.constraints")
    if constraints.monotonic and stage.project.target.task == "multiclass":
        raise ProjectError(
            "several classes have no order in which a prediction rises",
            where="automl.constraints.monotonic",
            expected="no columns where target.task is multiclass",
        )
    words = [n for n in constraints.monotonic if part.columns[n].type not in ("number", "boolean")]
    if words:
        raise ProjectError(
            f"{words[0]!r} is of the type {part.columns[words[0]].type}",
            where="automl.constraints.monotonic",
            expected="columns of numbers",
        )
    return {n: c for n, c in part.columns.items() if n not in set(constraints.exclude)}


def _folds(stage: Stage, part: Part, codes: np.ndarray | None, count: int) -> Folds:
    project = stage.project
    split = project.split
    options: dict[str, Any] = {"rows": len(part), "codes": codes}
    if split.method == "time" and split.column is None:
        options["times"] = part.rows.astype("float64")  # the order of the source
    elif split.method in ("group", "time"):
        values = stage.read(Rows).frame[str(split.column)].iloc[part.rows]
        if split.method == "group":
            options["groups"] = values.to_numpy(dtype=object, na_value="")
        else:
            options["times"] = table.moments(values, project.columns[str(split.column)])
    else:
        options["groups"] = table.copies_together(split, part.frame)
    folds = make_folds(count, project.seed, **options)
    if folds.count < count:
        stage.note(f"{folds.count} folds instead of {count}: there are no more to make")
    return folds


def _weights(stage: Stage, part: Part, codes: np.ndarray | None) -> np.ndarray | None:
    weights = part.weights
    if stage.project.automl.class_weights == "balanced":
        if codes is None:
            raise ProjectError(
                "a regression has no classes to balance",
                where="automl.class_weights",
                remedy="Set it to none",
            )
        weights = balanced(codes) * (1.0 if weights is None else weights)
    return None if weights is None else weights / weights.mean()


def _refuse_unlearnable(
    stage: Stage, train: Part, columns: dict[str, Column], classes: list[str]
) -> None:
    where = f"target {stage.project.target.column!r}"
    if not len(train):
        raise DataError(
            "there are no training rows",
            where=where,
            remedy="Change split.validation and split.test, or add rows",
        )
    if not columns:
        raise DataError(
            "no column may be used as a feature",
            where="columns",
            remedy="Give at least one column the role `feature`",
        )
    if classes and len({str(label) for label in train.target}) < 2:
        raise DataError(
            "the training rows hold one class only",
            where=where,
            expected="at least two",
            remedy="Use a stratified split, or add rows of the other class",
        )
