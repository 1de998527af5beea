"""AutoKeras: tables, texts and images on shared folds; a killed trial goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.networks import ENGINE, compiled_once, trial_of  # noqa: F401
from support.search_tasks import search_task

from toolkit.automl.engines.base import Candidate
from toolkit.automl.task import SearchTask
from toolkit.canonical import digest_file
from toolkit.errors import EngineError, ModelError
from toolkit.table.images import images

FEW = np.arange(7)


class Killed(BaseException):
    """What ends a process in the midst of its work: nothing catches it."""


def fit(task: SearchTask, name: str) -> Candidate:
    """Fit the trial of a name."""
    return ENGINE.fit(task, trial_of(task, name))


def check_saved(task: SearchTask, candidate: Candidate, folder: Path) -> None:
    """A saved model predicts what the fitted one does, also for few rows and for none."""
    candidate.save(folder)
    score = ENGINE.load(folder)
    fitted = candidate.predict(task.inputs)
    assert np.array_equal(score(task.inputs), fitted)
    np.testing.assert_allclose(score(task.inputs.take(FEW)), fitted[FEW], rtol=1e-4, atol=1e-6)
    assert score(task.inputs.take(np.arange(0))).shape == (0, *fitted.shape[1:])


def text_task(scratch: Path) -> SearchTask:
    """Texts whose second word says it all, beside a number that says nothing."""
    rng = np.random.default_rng(5)
    said = rng.integers(0, 2, 120)
    words = np.array([["sure", "fine", "gladly"], ["never", "refuse", "<b>no</b>"]])
    texts = [f"They {words[s, rng.integers(3)]} at {rng.integers(10**6)} № ☎" for s in said]
    texts[3] = None  # type: ignore[call-overload]
    frame = pd.DataFrame({"what": pd.Series(texts, dtype="str"), "n": rng.normal(size=120)})
    columns = {"what": "text", "n": "number"}
    return search_task(
        scratch, frame=frame, columns=columns, target=said.astype(np.int64), epochs=12
    )


def image_task(scratch: Path, **facts: Any) -> SearchTask:
    """Stripes that lie, stand, or lean; one image is missing and one is damaged."""
    rng = np.random.default_rng(5)
    kinds = rng.integers(0, 3, 90)
    y, x = np.mgrid[:12, :12]
    pixels = [
        np.clip(128 + 90 * np.sin([y, x, x + y][k]) + rng.normal(0, 25, (12, 12)), 0, 255)
        for k in kinds
    ]
    cells = pd.Series([images.encode(p.astype(np.uint8)) for p in pixels], dtype=object)
    cells[4], cells[5] = None, b"\x89PNG\r\n\x1a\n nothing"
    return search_task(
        scratch,
        "multiclass",
        frame=pd.DataFrame({"picture": cells}),
        columns={"picture": "image"},
        target=kinds.astype(np.int64),
        folds=2,
        **{"epochs": 4} | facts,
    )


def test_plan_takes_what_the_table_holds(tmp_path: Path) -> None:
    task = text_task(tmp_path)
    assert [t.name for t in ENGINE.plan(task.facts)] == ["autokeras_text_1", "autokeras_1"]
    task = image_task(tmp_path)
    assert ENGINE.plan(task.facts)[0].name == "autokeras_image_1"
    assert [t.name for t in ENGINE.plan(search_task(tmp_path).facts)] == ["autokeras_1"]


def test_table_is_learnt_saved_and_repeated_exactly(tmp_path: Path) -> None:
    task = search_task(tmp_path / "a", "multiclass", weighted=True, epochs=6)
    candidate = fit(task, "autokeras_1")
    assert candidate.oof.shape == (240, 3)
    np.testing.assert_allclose(candidate.oof.sum(axis=1), 1, atol=1e-9)
    right = candidate.oof.argmax(axis=1) == task.target
    assert right.mean() > np.bincount(task.target).max() / 240 + 0.1
    check_saved(task, candidate, tmp_path / "one")
    again = search_task(tmp_path / "b", "multiclass", weighted=True, epochs=6)
    repeated = fit(again, "autokeras_1")
    repeated.save(tmp_path / "two")
    assert np.array_equal(candidate.oof, repeated.oof)
    assert digest_file(tmp_path / "one") == digest_file(tmp_path / "two")


@pytest.mark.slow
def test_no_fold_is_predicted_by_a_network_that_saw_it(tmp_path: Path) -> None:
    """Other targets in a fold change other folds' predictions, and not its own."""
    one = search_task(tmp_path / "a", "regression", rows=150, folds=2)
    trial = trial_of(one, "autokeras_1")
    before = ENGINE.fit(one, trial)
    other = search_task(tmp_path / "b", "regression", rows=150, folds=2)
    held = next(iter(other.folds.pairs()))[1]
    # Swapped within the fold: mean and deviation, by which targets are scaled, stay.
    other.target[held] = other.target[held][::-1]
    after = ENGINE.fit(other, trial)
    np.testing.assert_allclose(after.oof[held], before.oof[held], rtol=1e-5)
    rest = np.setdiff1d(np.arange(150), held)
    assert np.abs(after.oof[rest] - before.oof[rest]).mean() > 0.1
    assert before.oof.std() > 5
    check_saved(one, before, tmp_path / "model")


@pytest.mark.slow
def test_folds_in_order_of_time_ship_one_network_of_all_rows(tmp_path: Path) -> None:
    task = search_task(tmp_path / "s", "binary", ordered=True, rows=160, folds=2)
    candidate = fit(task, "autokeras_1")
    known = np.isfinite(candidate.oof).all(axis=1)
    assert np.array_equal(np.flatnonzero(known), task.folds.scored)
    assert candidate.details["networks"] == "1"
    check_saved(task, candidate, tmp_path / "model")
    path = tmp_path / "model" / "network.keras"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ModelError, match="cannot be read"):
        ENGINE.load(tmp_path / "model")


def listened(task: SearchTask, end: str = "") -> tuple[SearchTask, list[str]]:
    """Return a task that notes its progress, and is killed at some words of it."""
    lines: list[str] = []

    def progress(text: str, *_: int) -> None:
        lines.append(text)
        if end and end in text:
            raise Killed

    return replace(task, progress=progress), lines


@pytest.mark.slow
def test_killed_trial_goes_on_where_it_was(tmp_path: Path) -> None:
    def made(place: str, **facts: Any) -> SearchTask:
        return search_task(tmp_path / place, rows=120, trials=2, epochs=2, folds=2, **facts)

    whole = made("whole")
    expected = fit(whole, "autokeras_1")
    for end in ("architecture 2", "network 2"):
        task, lines = listened(made("killed"), end)
        with pytest.raises(Killed):
            fit(task, "autokeras_1")
        assert any("architecture 1" in line for line in lines) == (end == "architecture 2")
    task, lines = listened(made("killed"))
    resumed = fit(task, "autokeras_1")
    assert not any("architecture" in line or "network 1" in line for line in lines)
    assert np.array_equal(resumed.oof, expected.oof)
    resumed.save(tmp_path / "resumed")
    expected.save(tmp_path / "expected")
    assert digest_file(tmp_path / "resumed") == digest_file(tmp_path / "expected")
    # Another seed finds nothing that it could take over.
    other, _ = listened(made("killed", seed=4), "architecture 1")
    with pytest.raises(Killed):
        fit(other, "autokeras_1")


@pytest.mark.slow
def test_texts_are_read_natively(tmp_path: Path) -> None:
    task = text_task(tmp_path / "s")
    candidate = fit(task, "autokeras_text_1")
    known = np.arange(120) != 3
    right = candidate.oof.argmax(axis=1) == task.target
    assert right[known].mean() > 0.9
    check_saved(task, candidate, tmp_path / "model")
    vocabulary = next((tmp_path / "model").glob("vocabulary_*.json")).read_text("utf-8")
    assert "refuse" in vocabulary


@pytest.mark.slow
def test_images_are_read_natively_and_altering_them_is_measured(tmp_path: Path) -> None:
    task = image_task(tmp_path / "s")
    candidate = fit(task, "autokeras_image_1")
    assert (candidate.oof.argmax(axis=1) == task.target).mean() > 0.6
    words = candidate.details["augmentation"]
    assert all(word in words for word in ("off ", "moved ", "moved and mirrored "))
    check_saved(task, candidate, tmp_path / "model")


def test_networks_saved_with_own_convolution_and_pooling_still_load() -> None:
    """Version 0.1 saved these two layers, from a module that is no longer there."""
    from keras import layers

    from toolkit.automl.engines.autokeras import blocks  # noqa: F401 - makes layers known

    def layer(name: str, **config: int) -> Any:
        where = {"module": "toolkit.automl.engines.autokeras_layers", "class_name": name}
        return layers.deserialize(where | {"config": config, "registered_name": f"toolkit>{name}"})

    rng = np.random.default_rng(3)
    image = rng.normal(size=(2, 5, 5, 3)).astype(np.float32)
    convolution = layer("Convolution", filters=4, size=3)
    convolution.build(image.shape)
    kernel = rng.normal(size=(27, 4)).astype(np.float32)
    convolution.set_weights([kernel, np.arange(4, dtype=np.float32)])
    found = np.asarray(convolution(image))
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    window = padded[:, 1:4, 2:5].reshape(2, -1)
    np.testing.assert_allclose(found[:, 1, 2], window @ kernel + np.arange(4), atol=1e-5)
    halved = np.asarray(layer("Halving")(image))
    assert halved.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(halved[:, 1, 0], image[:, 2:4, 0:2].max(axis=(1, 2)))


def test_augmentation_follows_the_project(tmp_path: Path) -> None:
    task = image_task(tmp_path / "s", augmentation="off")
    assert trial_of(task, "autokeras_image_1").settings["augmentation"] == "off"
    assert "augmentation" not in trial_of(task, "autokeras_1").settings


def test_little_time_gives_a_whole_candidate(tmp_path: Path) -> None:
    task = search_task(tmp_path / "s", trials=50, epochs=2000)
    task = replace(task, seconds=6.0)
    candidate = fit(task, "autokeras_1")
    assert np.isfinite(candidate.oof).all()
    assert any("were tried" in note for note in candidate.notes)
    assert any("the time was short" in note for note in candidate.notes)


def test_what_cannot_be_learnt_is_refused(tmp_path: Path) -> None:
    task = search_task(tmp_path / "s", "regression", rows=60, epochs=1)
    task.target[:] = np.nan
    with pytest.raises(EngineError, match="no architecture could be trained"):
        fit(task, "autokeras_1")
    constant = search_task(tmp_path / "c", "regression", rows=60, epochs=1)
    constant.target[:] = 4.0
    with pytest.raises(EngineError, match="the same for every row"):
        fit(constant, "autokeras_1")


def test_plan_for_more_begins_with_the_plan_for_fewer(tmp_path: Path) -> None:
    facts = text_task(tmp_path).facts
    more = [trial.name for trial in ENGINE.plan(replace(facts, trials=20))]
    assert more == [trial.name for trial in ENGINE.plan(facts)]
