"""Images and texts as data: from the source through every stage that comes before a search."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import toolkit
from toolkit import data, evaluate, explain, labels, open_stage, table, widgets
from toolkit.artifacts import (
    Attributions,
    Evaluation,
    Explanation,
    Intake,
    Rows,
    Split,
    TestPredictions,
)
from toolkit.errors import DataError, ProjectError
from toolkit.plots.eda import contents
from toolkit.project.data import Column, Data
from toolkit.table.images import images
from toolkit.table.images.image_vector import image_numbers
from toolkit.widgets.labels import panel as panel_module

IMAGE = {"x": Column(type="image")}


def shapes(rows: int = 90, seed: int = 0, side: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Upright and lying bars on noise: (n, side, side) uint8, and what each is."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (rows, side, side), dtype=np.uint8)
    names = np.array(["lying", "upright"])[np.arange(rows) % 2]
    for i, name in enumerate(names):
        at = rng.integers(2, side - 3)
        if name == "upright":
            pixels[i, 1:-1, at : at + 2] = 230
        else:
            pixels[i, at : at + 2, 1:-1] = 230
    return pixels, names


def file_bytes(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def npz(tmp_path):
    pixels, names = shapes()
    path = tmp_path / "bars.npz"
    np.savez(path, picture=pixels, what=names, weight_g=np.arange(90.0) % 7, odd=np.zeros((3, 2)))
    return path


@pytest.fixture
def folder(tmp_path):
    pixels, names = shapes(60)
    for i, (each, name) in enumerate(zip(pixels, names, strict=True)):
        place = tmp_path / "bars" / name
        place.mkdir(parents=True, exist_ok=True)
        kind = ("PNG", "JPEG", "BMP", "GIF", "WEBP")[i % 5]
        (place / f"{i:02d}.{kind.lower()}").write_bytes(file_bytes(each, kind))
    return tmp_path / "bars"


def run_to_eda(path):
    stage = open_stage("scoping", path)
    intake = data.intake(stage)
    data.feasibility(stage)
    stage.finish()
    stage = open_stage("eda", path)
    data.make_split(stage)
    return intake, stage


# -- cells -----------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 20), st.integers(1, 20))
        | st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3)),
    )
)
def test_pixels_survive_and_equal_pixels_give_equal_bytes(pixels):
    found = images.encode(pixels)
    np.testing.assert_array_equal(images.decode(found), pixels)
    assert images.encode(pixels.copy()) == found


def test_every_kind_of_cell_becomes_the_same_image(tmp_path):
    pixels = shapes(1)[0][0]
    png = images.encode(pixels)
    (tmp_path / "a.png").write_bytes(png)
    text = base64.b64encode(png).decode()
    cells = [
        png, bytearray(png), memoryview(png), pixels, pixels.astype(float), pixels / 255.0,
        Image.fromarray(pixels), str(tmp_path / "a.png"), tmp_path / "a.png", text,
        f"data:image/png;base64,{text}", {"bytes": png, "path": "a.png"},
    ]  # fmt: skip
    typed = table.conform(pd.DataFrame({"x": pd.Series(cells, dtype=object)}), IMAGE)["x"]
    for cell in typed:
        np.testing.assert_allclose(images.decode(cell).astype(int), pixels, atol=1)


def test_what_is_no_image_is_missing_and_conform_is_idempotent():
    png = images.encode(shapes(1)[0][0])
    cells = [png, None, np.nan, b"", b"no image", png[:60], "there/is/no.png", 7.5, np.zeros(3)]
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    once = table.conform(frame, IMAGE)
    assert once["x"].notna().tolist() == [True] + [False] * 8
    twice = table.conform(once, IMAGE)
    assert [a is b for a, b in zip(once["x"], twice["x"], strict=True)] == [True] * 9
    assert table.table_digest(once) == table.table_digest(twice)
    assert table.table_digest(once) != table.table_digest(once.iloc[::-1].reset_index(drop=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_large_images_are_made_smaller_once(kind):
    pixels = np.random.default_rng(0).integers(0, 255, (300, 700, 3), dtype=np.uint8)
    small = images.bounded(file_bytes(pixels, kind))
    assert images.decode(small).shape[1] == images.SIDE
    assert images.bounded(small) == small


def test_odd_modes_are_read():
    grey = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert images.decode(file_bytes(grey > 50)).max() == 255
    wide = file_bytes(grey.astype(np.uint16) * 257)
    np.testing.assert_array_equal(images.decode(wide), grey)
    clear = np.dstack([grey, grey, grey, np.zeros_like(grey)])
    assert (images.decode(file_bytes(clear)) == 255).all()  # white behind what is transparent
    cmyk = io.BytesIO()
    Image.fromarray(np.dstack([grey] * 3)).convert("CMYK").save(cmyk, "JPEG")
    assert images.decode(cmyk.getvalue()).shape == (10, 10, 3)


def test_numbers_of_an_image_do_not_depend_on_other_rows():
    column = pd.Series([images.encode(each) for each in shapes(6)[0]] + [None], dtype=object)
    whole = image_numbers(column)
    alone = image_numbers(column.iloc[[4]])
    assert list(whole) == list(alone) == list(image_numbers(column.iloc[:0]))
    for name, values in whole.items():
        assert np.isnan(values[6])
        assert values[4] == alone[name][0]


# -- sources ---------------------------------------------------------------------------


def test_npz_to_a_project(tmp_path, npz):
    file = toolkit.new(npz, "what", tmp_path / "p")
    checks = file.checks
    kinds = {name: column.type for name, column in file.project.columns.items()}
    assert kinds == {"picture": "image", "what": "category", "weight_g": "number"}
    assert file.project.data.format == "npz"
    assert any("odd (3, 2)" in check.message for check in checks)
    intake, stage = run_to_eda(file.path)
    stage.fail(KeyboardInterrupt())
    facts = {column.name: column for column in intake.columns}
    assert facts["picture"].distinct == 90 and "12 × 12 px" in facts["picture"].examples[0]


@pytest.mark.parametrize(
    ("arrays_", "problem"),
    [
        ({"y": np.array([{"a": 1}] * 50, dtype=object)}, "NumPy arrays"),
        ({"x": np.zeros((50, 7))}, "no array holds images"),
    ],
)
def test_npz_that_cannot_be_used(tmp_path, arrays_, problem):
    np.savez(tmp_path / "a.npz", **arrays_)
    with pytest.raises(DataError, match=problem):
        table.read_source(Data(source="a.npz", format="npz"), tmp_path)


def test_npz_scales_and_channels(tmp_path):
    grey = np.random.default_rng(0).random((40, 6, 5))
    first = np.moveaxis(np.stack([grey, grey / 2, grey / 4], axis=-1), -1, 1)
    np.savez(tmp_path / "a.npz", x=grey, rgb=first, y=np.arange(40) % 2, later=np.ones(7))
    found = table.read_source(table.detect(tmp_path / "a.npz"), tmp_path)
    assert list(found.frame.columns) == ["x", "rgb", "y"]
    np.testing.assert_allclose(images.decode(found.frame["x"][3]), grey[3] * 255, atol=0.51)
    assert images.decode(found.frame["rgb"][0]).shape == (6, 5, 3)


def test_folder_of_classes(tmp_path, folder):
    (folder / "upright" / "broken<b>.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (folder / "lying" / ".hidden.png").write_bytes(b"")
    (folder / "lying" / "notes.txt").write_text("no image")
    big = np.random.default_rng(0).integers(0, 255, (400, 300, 3), dtype=np.uint8)
    (folder / "lying" / "big.jpg").write_bytes(file_bytes(big, "JPEG"))
    file = toolkit.new(folder, "kind of bar", tmp_path / "p")
    checks = file.checks
    said = {check.name: check.message for check in checks}
    assert "'upright/broken<b>.png'" in said["Images that cannot be read"]
    assert "1 of 62" in said["Images made smaller"]
    roles = {name: (c.type, c.role) for name, c in file.project.columns.items()}
    assert roles == {
        "image": ("image", "feature"),
        "kind of bar": ("category", "target"),
        "file": ("category", "identifier"),
    }
    _, stage = run_to_eda(file.path)
    frame = stage.read(Rows).frame
    stage.fail(KeyboardInterrupt())
    assert frame["image"].isna().sum() == 1
    assert frame["kind of bar"].value_counts().to_dict() == {"lying": 31, "upright": 31}


def test_folder_with_a_table(tmp_path, folder):
    for path in sorted(folder.rglob("*.*")):
        path.rename(folder / path.name)
    names = sorted(p.name for p in folder.iterdir() if p.is_file())
    rows = pd.DataFrame({"picture": names, "size": np.arange(60.0), "bar": ["a", "b"] * 30})
    rows.loc[3, "picture"] = "lost.png"
    rows.to_csv(folder / "rows.csv", index=False)
    file = toolkit.new(folder, "bar", tmp_path / "p")
    checks = file.checks
    assert file.project.data.table == "rows.csv"
    said = {check.name: check.message for check in checks}
    assert "'lost.png'" in said["Images that are not there"]
    assert "1 images" in said["Images that no row names"]
    kinds = {name: c.type for name, c in file.project.columns.items()}
    assert kinds["image"] == "image" and kinds["size"] == "number"


def test_folders_that_cannot_be_used(tmp_path, folder):
    with pytest.raises(ProjectError, match="inside the folder"):
        toolkit.new(folder, "label", folder / "p")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        toolkit.new(tmp_path / "none", "label", tmp_path / "p")
    with pytest.raises(DataError, match="nothing says what 'label' is"):
        toolkit.new(folder / "lying", "label", tmp_path / "p")


def test_paths_in_a_table(tmp_path, folder):
    paths = sorted(p.relative_to(tmp_path).as_posix() for p in folder.rglob("*.*"))
    rows = pd.DataFrame({"photo": paths, "y": ["yes" if "up" in p else "no" for p in paths]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    file = toolkit.new(tmp_path / "rows.csv", "y", tmp_path / "p")
    assert file.project.columns["photo"].type == "image"
    intake, stage = run_to_eda(file.path)
    stage.fail(KeyboardInterrupt())
    assert intake.columns[0].missing == 0
    file.set("columns.photo.type", "category", by="test")
    file.set("columns.photo.role", "ignore", by="test")
    stage = open_stage("scoping", file.path, "runs/other")
    with pytest.raises(DataError, match="no column is left"):
        data.intake(stage)
    stage.fail(KeyboardInterrupt())


# -- stages ----------------------------------------------------------------------------


@pytest.fixture
def image_project(tmp_path):
    """Bars with a number, two copies and one image without content."""
    pixels, names = shapes(150)
    pixels[7] = 40
    pixels[20:24] = pixels[0:4]
    number = np.round(np.random.default_rng(1).normal(size=150), 2)
    number[20:24] = number[0:4]
    np.savez(tmp_path / "bars.npz", picture=pixels, what=names, number=number)
    file = toolkit.new(tmp_path / "bars.npz", "what", tmp_path / "bars")
    for key, value in {"explain.bootstrap": 50, "explain.rows": 10, "labels.folds": 3}.items():
        file.set(key, value, by="test")
    return file


def test_eda_of_images(image_project):
    _, stage = run_to_eda(image_project.path)
    profile = data.profile(stage)
    facts = next(c for c in profile.columns if c.name == "picture")
    assert facts.measure.startswith("brightness") and facts.sizes == [("12 × 12, grey", 150)]
    assert facts.repeated == 4 and sum(facts.histogram_counts) == 150
    assert facts.association > 0.8
    assert {picture.label for picture in facts.pictures} == {"lying", "upright"}
    parts = stage.run.read(Split).frame
    tested = set(parts.loc[parts["part"] == "test", "row"])
    assert not tested & {picture.row for picture in facts.pictures}
    said = {c.name: c.message for c in data.quality(stage).checks}
    assert "in rows 7" in said["Images without content"]
    assert "4 copies" in said["Copies of texts or images"]
    assert "4 rows" in said["Equal rows kept together"]
    assert not profile.suspects
    contract = data.contract(stage)
    frame = stage.read(Rows).frame
    assert [c.severity for c in data.check_contract(contract, frame)] == ["ok"]
    scores = data.baseline(stage).baseline
    assert scores["linear"].value < scores["constant"].value
    shown = widgets.show_contents(profile)
    assert (
        shown.count("data:image/svg+xml") == 1
        and "upright" in contents.sheet(profile, "picture").alt
    )
    panel = widgets.EdaPanel(stage, profile, data.quality(stage), data.make_split(stage))
    panel.explorer.select("picture")
    assert "Sizes" in panel.explorer._picture.value
    stage.finish()


def test_brightness_and_size_that_give_the_class_away(tmp_path):
    pixels, names = shapes(120)
    pixels[names == "upright"] //= 3
    np.savez(tmp_path / "a.npz", x=pixels, y=names)
    file = toolkit.new(tmp_path / "a.npz", "y", tmp_path / "p")
    _, stage = run_to_eda(file.path)
    reason = data.profile(stage).suspects[0].reason
    stage.fail(KeyboardInterrupt())
    assert "brightness" in reason


def test_label_review_shows_the_image(image_project):
    _, stage = run_to_eda(image_project.path)
    data.profile(stage)
    stage.finish()
    frame = stage.run.read(Rows).frame
    frame.loc[30:33, "what"] = ["upright", "lying"] * 2  # the other way round
    stage.run.write(Rows(frame))
    stage = open_stage("label_review", image_project.path)
    review = labels.score_labels(stage)
    queue = labels.open_queue(stage, by="test")
    assert review.rows > 100 and queue.items
    panel = widgets.LabelPanel(stage, queue)
    assert "data:image/png;base64," in panel._card.value
    assert "data:image/png;base64," in panel.static()
    row = panel.item.row
    panel.press("d")
    assert queue.decision(row).action == "drop"
    stage.finish()


class Stripes:
    """Looks at the image: more change from left to right means upright."""

    task, classes, threshold, name = "binary", ["lying", "upright"], 0.5, "stripes"

    def __init__(self, columns):
        self.columns = {n: c for n, c in columns.items() if c.role == "feature"}

    def predict(self, frame):
        typed = table.conform(frame, self.columns)
        change = np.zeros(len(typed))
        for i, cell in enumerate(typed["picture"]):
            if cell is not None:
                pixels = images.decode(cell).astype(float)
                change[i] = np.ptp(pixels.mean(axis=0)) - np.ptp(pixels.mean(axis=1))
        p = 1 / (1 + np.exp(-change / 20))
        return np.column_stack([1 - p, p])

    def decide(self, scores):
        return np.array(self.classes, dtype=object)[(scores[:, 1] >= 0.5).astype(int)]


def test_evaluate_and_explain_an_image_model(image_project):
    _, stage = run_to_eda(image_project.path)
    stage.finish()
    stage = open_stage("explain", image_project.path)
    model = Stripes(stage.project.columns)
    frame = stage.read(Rows).frame.copy()
    found = evaluate.evaluate(stage, model)
    assert isinstance(found, Evaluation) and found.metrics["accuracy"].value > 0.9
    assert all(each.said.startswith("→") for each in found.mistakes)
    explanation = explain.explain(stage, model)
    assert isinstance(explanation, Explanation)
    ranked = explanation.importance["upright"]
    assert [each.column for each in ranked] == ["picture", "number"]
    assert explanation.measures == {"picture": "brightness (0 to 255)"}
    viewer = explain.row_viewer(stage, model)
    attributions = stage.read(Attributions)
    panel = widgets.ExplainPanel(
        stage, explanation, attributions, stage.read(TestPredictions), view_row=viewer
    )
    assert "data:image/png;base64," in panel._single.value
    assert "px #" in attributions.frame["value"].iloc[0]
    assert frame["picture"].map(type).eq(bytes).all()
    stage.finish()


# -- texts -----------------------------------------------------------------------------


def test_texts_are_counted_shown_and_escaped(tmp_path):
    rng = np.random.default_rng(0)
    words = {"yes": "<script>alert(1)</script> refund now please", "no": "meet me at the station"}
    y = rng.choice(["yes", "no"], 160)
    texts = [
        " ".join(rng.permutation(words[label].split())) + f" number {i} of all the messages"
        for i, label in enumerate(y)
    ]
    texts[9] = texts[8]
    y[9] = y[8]
    pd.DataFrame({"message <b>": texts, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    file = toolkit.new(tmp_path / "t.csv", "y", tmp_path / "p")
    _, stage = run_to_eda(file.path)
    profile = data.profile(stage)
    facts = profile.columns[0]
    assert facts.measure == "length in characters" and facts.repeated == 1
    words_of = {word.label: {w.word for w in facts.words if w.label == word.label}
               for word in facts.words}  # fmt: skip
    assert {"refund", "now", "please", "script"} <= words_of["yes"]
    assert "station" in words_of["no"]
    assert all(word.rows >= 5 for word in facts.words)
    assert "<script>" not in widgets.show_contents(profile)
    stage.finish()
    stage = open_stage("label_review", file.path)
    labels.score_labels(stage)
    queue = labels.open_queue(stage, by="test")
    for item in queue.items[:5]:
        assert "<script>" not in panel_module._card(item, queue)
    stage.finish()
    assert stage.run.read(Intake).columns[0].type == "text"
