"""The mirror to MLflow: complete, idempotent, harmless where there is no server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit import automl, data, evaluate, labels, tracking
from toolkit.artifacts import (
    Champion,
    Evaluation,
    Mirror,
    ReportData,
    TestPredictions,
    Verdict,
    VerdictFinding,
)
from toolkit.automl import load_model
from toolkit.project.file import ProjectFile
from toolkit.tracking import contents
from toolkit.tracking.store import find_store, without_password

FINDING = VerdictFinding(
    rule="no-limit", input="Acceptance limits", verdict="not shown", sentence="None was stated."
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run up to the evaluation, with a baseline champion."""
    return build(tmp_path_factory.mktemp("mlflow"), "baseline")


def build(folder, engine):
    """Make a run up to the evaluation in ``folder / "project"``; its source is ``t.csv``."""
    from support.tables import binary_frame

    binary_frame().to_csv(folder / "t.csv", index=False)
    file = toolkit.new(folder / "t.csv", "churn", folder / "project")
    file.set("automl.engines", [engine])
    file.set("automl.budget.models", 1)
    file.set("explain.bootstrap", 50)

    def stage(name):
        return toolkit.open_stage(name, file.folder, "runs/r1")

    scoping = stage("scoping")
    data.intake(scoping)
    data.feasibility(scoping)
    scoping.finish()
    eda = stage("eda")
    data.make_split(eda)
    eda.finish()
    review = stage("label_review")
    labels.score_labels(review)
    review.finish()
    search = stage("automl")
    automl.search(search)
    automl.choose(search)
    search.finish()
    tested = stage("evaluate")
    evaluate.evaluate(tested, automl.load_champion(tested))
    tested.finish()
    return file.folder


@pytest.fixture
def stage(made, tmp_path, monkeypatch):
    """The last stage of a copy of that run."""
    import mlflow

    mlflow.set_tracking_uri(None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(made, tmp_path / "p", ignore=shutil.ignore_patterns(".lock"))
    return toolkit.open_stage("report", tmp_path / "p", "runs/r1")


def client_of(stage):
    import mlflow

    return mlflow.MlflowClient(tracking_uri=find_store(stage.file).uri)


def score_in_a_fresh_process(stage, result, source):
    """Load the model by alias as anyone would, and score the rows of a CSV."""
    code = f"""
import mlflow, pandas as pd
mlflow.set_tracking_uri({find_store(stage.file).uri!r})
model = mlflow.pyfunc.load_model("models:/{result.model_name}@{result.alias}")
model.predict(pd.read_csv({str(source)!r})).to_parquet("scored.parquet")
assert model.input_example is None or len(model.input_example) == 1
"""
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=stage.file.folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    return pd.read_parquet(stage.file.folder / "scored.parquet")


def assert_same_predictions(scored, predictions):
    for name in scored.columns:
        ours, theirs = predictions[name], scored[name].iloc[predictions["row"].to_numpy()]
        if name == "predicted" and not pd.api.types.is_numeric_dtype(ours):
            assert ours.tolist() == theirs.tolist()
        else:
            assert abs(ours.to_numpy() - theirs.to_numpy()).max() < 1e-9


def test_a_run_is_mirrored_and_its_champion_scores_raw_rows(stage, made):
    result = tracking.mirror(stage)
    assert result.status == "done", result.reason
    assert result.reason == ""
    assert stage.notes == []
    assert (stage.file.folder / "mlflow.db").is_file()
    client = client_of(stage)
    run = client.get_run(result.mlflow_run)
    assert run.info.status == "FINISHED"
    assert run.data.params["automl.engines"] == '["baseline"]'
    evaluation = stage.read(Evaluation)
    score = evaluation.metrics[evaluation.metric]
    assert run.data.metrics[f"test.{evaluation.metric}"] == score.value
    assert run.data.metrics[f"test.{evaluation.metric}.low"] == score.low
    assert any(name.startswith("out_of_fold.") for name in run.data.metrics)
    assert run.inputs.dataset_inputs[0].dataset.digest in run.data.tags["toolkit.table_digest"]
    files = {item.path for item in client.list_artifacts(result.mlflow_run)}
    assert {"evaluation.json", "champion.json", "run.json"} <= files
    # There is no report, and so no verdict.
    version = client.get_model_version_by_alias(result.model_name, "candidate")
    assert str(version.version) == result.model_version
    assert "champion" not in client.get_registered_model(result.model_name).aliases
    scored = score_in_a_fresh_process(stage, result, made.parent / "t.csv")
    assert_same_predictions(scored, stage.read(TestPredictions).frame)


@pytest.mark.slow
def test_an_h2o_champion_scores_raw_rows_too(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = build(tmp_path, "h2o")
    stage = toolkit.open_stage("report", folder, "runs/r1")
    result = tracking.mirror(stage)
    assert result.status == "done", result.reason
    assert result.reason == ""
    assert stage.read(Champion).engine == "h2o"
    scored = score_in_a_fresh_process(stage, result, tmp_path / "t.csv")
    assert_same_predictions(scored, stage.read(TestPredictions).frame)


def test_the_logged_model_says_what_it_takes_and_shows_no_person(stage):
    import mlflow

    result = tracking.mirror(stage)
    mlflow.set_tracking_uri(find_store(stage.file).uri)
    info = mlflow.models.get_model_info(result.model_uri)
    columns = load_model(stage.run.folder / stage.read(Champion).model).columns
    assert info.signature.inputs.input_names() == list(columns)
    assert info.signature.outputs.input_names() == ["p:no", "p:yes", "predicted"]
    assert info.metadata["columns"] == {name: column.type for name, column in columns.items()}
    folder = Path(mlflow.artifacts.download_artifacts(result.model_uri))
    assert "about" not in (folder / "input_example.json").read_text(), "a text may name a person"
    pinned = (folder / "requirements.txt").read_text()
    assert f"jupyter-automl-toolkit=={toolkit.__version__}" in pinned
    assert "scikit-learn==" in pinned


def test_twice_is_once(stage):
    first = tracking.mirror(stage)
    second = tracking.mirror(stage)
    same = ("mlflow_run", "model_uri", "model_version", "experiment", "files")
    assert [getattr(first, name) for name in same] == [getattr(second, name) for name in same]
    client = client_of(stage)
    runs = client.search_runs([client.get_run(first.mlflow_run).info.experiment_id])
    assert len(runs) == 1
    metric = next(iter(runs[0].data.metrics))
    assert len(client.get_metric_history(first.mlflow_run, metric)) == 1
    assert len(client.search_model_versions(f"name = '{first.model_name}'")) == 1


def test_only_a_model_that_is_fit_gets_the_alias(stage):
    def mirrored(word):
        verdict = Verdict(word=word, findings=[] if word.startswith("fit") else [FINDING])
        report = ReportData(title="t", verdict=verdict, sections=[], gaps=[], completeness=1,
                            provenance={}, times={})  # fmt: skip
        report.save(stage.run.folder)
        return tracking.mirror(stage)

    result = mirrored("not shown")
    assert (result.alias, result.reason) == ("candidate", "")
    client = client_of(stage)
    tags = client.get_run(result.mlflow_run).data.tags
    assert (tags["toolkit.verdict"], tags["toolkit.verdict_rules"]) == ("not shown", "no-limit")
    result = mirrored("fit for the stated use")
    assert result.alias == "champion"
    assert set(client.get_registered_model(result.model_name).aliases) == {"champion"}
    # What production loads does not vanish; a note says what became of it.
    result = mirrored("do not use")
    assert result.alias == "champion"
    assert any("do not use" in note for note in stage.notes)
    version = client.get_model_version(result.model_name, result.model_version)
    assert version.tags["toolkit.verdict"] == "do not use"


def test_a_changed_choice_replaces_the_copy(stage):
    first = tracking.mirror(stage)
    stage.file.set("seed", 8)
    second = tracking.mirror(stage)
    assert second.status == "done"
    assert second.mlflow_run != first.mlflow_run
    client = client_of(stage)
    (run,) = client.search_runs([client.get_run(second.mlflow_run).info.experiment_id])
    assert run.data.params["seed"] == "8"


def test_a_moved_project_keeps_its_files_beside_it(stage, tmp_path):
    tracking.mirror(stage)
    stage.run.release()
    moved = tmp_path / "elsewhere"
    stage.file.folder.rename(moved)
    again = toolkit.open_stage("report", moved, "runs/r1")
    result = tracking.mirror(again)
    assert result.status == "done", result.reason
    assert not (tmp_path / "p").exists()
    assert client_of(again).list_artifacts(result.mlflow_run)


def test_no_server_is_no_failure(stage):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stage.file.set("tracking.uri", f"http://ana:secret@127.0.0.1:{port}")
    result = tracking.mirror(stage)
    assert result.status == "failed"
    assert "no MLflow server answers" in result.reason
    kept = (stage.run.folder / "tracking.json").read_text()
    assert "secret" not in kept + " ".join(stage.notes)
    assert len(stage.notes) == 1
    stage.finish()


def test_a_server_that_says_nothing_is_left_soon(stage, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        stage.file.set("tracking.uri", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert tracking.mirror(stage).status == "failed"


def test_an_unknown_kind_of_address_is_told(stage):
    stage.file.set("tracking.uri", "nonsense://somewhere")
    result = tracking.mirror(stage)
    assert result.status == "failed"
    assert "\n" not in result.reason


def test_off_means_off(stage):
    stage.file.set("tracking.enabled", False)
    assert tracking.mirror(stage).status == "off"
    assert not (stage.file.folder / "mlflow.db").exists()
    assert stage.notes == []
    assert stage.run.read(Mirror).status == "off"


def test_another_database_is_relative_to_the_project(stage):
    stage.file.set("tracking.uri", "sqlite:///other/track.db")
    (stage.file.folder / "other").mkdir()
    result = tracking.mirror(stage)
    assert result.status == "done", result.reason
    assert (stage.file.folder / "other" / "track.db").is_file()
    assert (stage.file.folder / "other" / "mlartifacts").is_dir()


def test_the_callers_mlflow_is_left_as_it_was(stage):
    import mlflow

    before, environment = mlflow.get_tracking_uri(), dict(os.environ)
    tracking.mirror(stage)
    assert mlflow.get_tracking_uri() == before
    assert set(environment.items()) ^ set(os.environ.items()) == set()
    assert mlflow.active_run() is None


def test_no_secret_and_no_endless_value_among_the_parameters(made):
    file = ProjectFile(made)
    file.set("tracking.uri", "https://ana:secret@example.org")
    file.set("problem.question", "why " * 400)
    params = contents.params(file.project)
    assert not any("secret" in value for value in params.values())
    assert max(map(len, params.values())) <= contents.LONGEST_VALUE
    file.set("tracking.uri", None)
    file.set("problem.question", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ana:pw@db:5432/mlflow", "postgresql://db:5432/mlflow"),
        ("see https://u:p@x.org/a and http://y", "see https://x.org/a and http://y"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
    ],
)
def test_credentials_are_left_out(text, shown):
    assert without_password(text) == shown


@pytest.mark.parametrize("name", ["a<b>/c:d", "größe %", "x" * 400, "a'b"])
def test_names_that_mlflow_takes(name):
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(contents.name_of(name))
