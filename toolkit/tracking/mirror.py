"""One run, copied one way: a machine without MLflow's server loses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from toolkit.artifacts import Champion, Mirror
from toolkit.errors import ToolkitError
from toolkit.tracking import contents
from toolkit.tracking.store import (
    Store,
    connected,
    find_store,
    impatient,
    knock,
    without_password,
)

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

_BATCH = 100  # most parameters or tags that one request to a server may carry


def mirror(stage: Stage) -> Mirror:
    """Copy the run to MLflow: choices, metrics, files, data digest, champion.

    The copy never fails the stage: what goes wrong is noted and written to
    ``tracking.json``. Mirroring a run again updates its MLflow run in place.

    Parameters
    ----------
    stage : Stage
        The open stage ``report``; ``tracking`` in the project says where to.

    Returns
    -------
    Mirror
        Also written to the run folder.
    """
    started = time.monotonic()
    tracking = stage.project.tracking
    if not tracking.enabled:
        return _keep(stage, Mirror(status="off", reason="tracking.enabled is false"))
    store = find_store(stage.file)
    stage.progress(f"Mirroring to MLflow at {store.shown}")
    try:
        knock(store)
        with connected(store):
            result = _copy(stage, store)
    except Exception as error:  # whatever MLflow or its server raises, the run itself is complete
        reason = _one_line(error, store)
        stage.note(f"The run was not mirrored to MLflow: {reason}")
        experiment = tracking.experiment or stage.project.name
        result = Mirror(status="failed", reason=reason, uri=store.shown, experiment=experiment)
    seconds = round(time.monotonic() - started, 1)
    return _keep(stage, result.model_copy(update={"seconds": seconds}))


def _copy(stage: Stage, store: Store) -> Mirror:
    import mlflow

    client = mlflow.MlflowClient()
    with impatient():
        experiment, name = _experiment(stage, store, client)
    run_id = _run(stage, client, experiment)
    facts: dict[str, Any] = {"experiment": name, "mlflow_run": run_id, "uri": store.shown}
    _log_numbers(stage, client, run_id)
    paths = contents.files(stage.run)
    for number, (path, folder) in enumerate(paths, start=1):
        stage.progress("Copying files to MLflow", number, len(paths))
        client.log_artifact(run_id, str(path), folder or None)
    facts["files"] = len(paths)
    if stage.run.has(Champion):
        stage.progress("Copying the champion to MLflow")
        facts |= _model(stage, store, client, run_id)
    client.set_terminated(run_id, "FINISHED" if contents.finished(stage.run) else "FAILED")
    return Mirror(status="done", **facts)


def _experiment(stage: Stage, store: Store, client: Any) -> tuple[str, str]:
    wanted = stage.project.tracking.experiment or stage.project.name
    name, number = wanted, 1
    while (found := client.get_experiment_by_name(name)) is not None:
        # MLflow fixes the folder of files by its full path. In a project that was moved or
        # copied, files of an old experiment would land in the old place.
        moved = store.artifacts is not None and found.artifact_location != store.artifacts
        if found.lifecycle_stage == "active" and not moved:
            return found.experiment_id, name
        number += 1
        name = f"{wanted} ({number})"
    return client.create_experiment(name, artifact_location=store.artifacts), name


def _run(stage: Stage, client: Any, experiment: str) -> str:
    """Return the MLflow run of this run: the one there is, or a new one."""
    tags = contents.tags(stage.run, stage.project, stage.file.folder.resolve().as_posix())
    wanted = contents.params(stage.project)
    same = " and ".join(
        f"tags.`{name}` = '{tags[name]}'"
        for name in ("toolkit.run_id", "toolkit.project")
        if "'" not in tags[name]
    )
    for found in client.search_runs([experiment], filter_string=same, max_results=50):
        has = found.data.tags
        if any(has.get(name) != tags[name] for name in ("toolkit.run_id", "toolkit.project")):
            continue
        if all(wanted.get(name, value) == value for name, value in found.data.params.items()):
            for name, value in tags.items():
                client.set_tag(found.info.run_id, name, value)
            return str(found.info.run_id)
        # MLflow's parameters cannot be changed, and choices have: the old copy makes way.
        client.delete_run(found.info.run_id)
    made = client.create_run(experiment, run_name=stage.run.id, tags=tags)
    return str(made.info.run_id)


def _log_numbers(stage: Stage, client: Any, run_id: str) -> None:
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    known = client.get_run(run_id)
    params = [
        Param(name, value)
        for name, value in contents.params(stage.project).items()
        if name not in known.data.params
    ]
    for batch in _batches(params):
        client.log_batch(run_id, params=batch)
    now = int(time.time() * 1000)
    metrics = [
        Metric(name, value, now, 0)
        for name, value in contents.metrics(stage.run).items()
        if known.data.metrics.get(name) != value  # an equal value again would be a second point
    ]
    for batch in _batches(metrics):
        client.log_batch(run_id, metrics=batch)
    data = contents.dataset(stage.run, stage.project)
    if data is not None:
        dataset = Dataset(source_type="toolkit", **data)
        client.log_inputs(run_id, [DatasetInput(dataset=dataset)])


def _model(stage: Stage, store: Store, client: Any, run_id: str) -> dict[str, str]:
    import mlflow

    from toolkit.tracking.model import log_champion, register

    facts: dict[str, str] = {}
    try:
        with mlflow.start_run(run_id=run_id, nested=mlflow.active_run() is not None):
            facts["model_uri"] = log_champion(stage, client, run_id)
        if stage.project.tracking.register_champion:
            name, version, alias = register(stage, client, run_id, facts["model_uri"])
            facts |= {"model_name": name, "model_version": version, "alias": alias}
    except Exception as error:  # some stores have no registry: what is copied stays copied
        what = "registered with" if "model_uri" in facts else "copied to"
        facts["reason"] = f"The champion was not {what} MLflow: {_one_line(error, store)}"
        stage.note(facts["reason"])
    return facts


def _keep(stage: Stage, result: Mirror) -> Mirror:
    stage.write(result)
    return result


def _batches(items: list[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _one_line(error: Exception, store: Store) -> str:
    if isinstance(error, ToolkitError):
        return error.line()
    text = without_password(" ".join(str(error).replace(store.uri, store.shown).split()))
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
