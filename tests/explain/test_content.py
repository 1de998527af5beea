"""Words and patches: what a model looks at inside texts and images is found, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, column_type, make_stage

from toolkit import explain, widgets
from toolkit.artifacts import ContentExplanation, Split
from toolkit.errors import DataError, UsageError
from toolkit.explain.content import content_summary as counting
from toolkit.explain.content import image_patches, text_tokens
from toolkit.plots.explain import content as plots
from toolkit.project.data import Column
from toolkit.table.images import images

WEIGHTS = {"free": 2.0, "win": 1.0, "hello": -0.5}
NASTY = "<script>alert('x')</script> free & win"


def open_with(folder, frame, kinds, task="regression", **more):
    """Open a stage all of whose rows are test rows."""
    columns = {
        name: {
            "type": kinds.get(name) or column_type(frame[name]),
            "role": "target" if name == "y" else "feature",
        }
        for name in frame
    }
    stage = make_stage(folder, frame, "y", task, columns=columns, **more)
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(frame)), "part": "test"})))
    return stage


def texts_stage(folder, texts, y=None, task="regression", **more):
    frame = pd.DataFrame({"text": pd.Series(texts, dtype="str"), "x": np.arange(len(texts)) % 3.0})
    frame["y"] = np.arange(float(len(texts))) if y is None else y
    return open_with(folder, frame, {"text": "text"}, task, **more)


def texts_model(function, task="regression", classes=(), threshold=None):
    def predict(frame):
        return np.array([function(t if isinstance(t, str) else "") for t in frame["text"]])

    model = FunctionModel(predict, ["x"], task, classes, threshold)
    model.columns["text"] = Column(type="text")
    return model


def weighed(text):
    words = [text[a:b].lower() for a, b in text_tokens.split(text)]
    return sum(WEIGHTS.get(word, 0.0) for word in words)


def quick(text):
    return sum(WEIGHTS.get(word.lower(), 0.0) for word in text.split())


def by_word(row, output=0):
    found = {}
    for (start, stop), value in zip(row.parts, row.outputs[output].values, strict=True):
        word = row.text[start:stop]
        found[word] = found.get(word, 0.0) + value
    return found


# -- splitting -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n ", []),
        ("Don't pay 1,000.50!!!", ["Don't", "pay", "1,000.50", "!!!"]),
        ("well-known -x", ["well-known", "-", "x"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("cafe\u0301 ok", ["cafe\u0301", "ok"]),
        ("👩‍👩‍👧 hi❤️", ["👩‍👩‍👧", "hi", "❤️"]),
        ("今日は", ["今", "日", "は"]),
        ("<b>", ["<", "b", ">"]),
    ],
)
def test_words(text, words):
    assert [text[a:b] for a, b in text_tokens.split(text)] == words


@given(st.text(max_size=300))
@settings(max_examples=80, deadline=None)
def test_taking_nothing_away_leaves_the_text_and_all_leaves_its_spaces(text):
    found = text_tokens.text(text)
    parts = len(found.parts)
    assert parts <= text_tokens.MOST_PARTS
    whole, none = found.masked(np.repeat([[True], [False]], parts, axis=1))
    assert whole == text
    assert none == "".join(char for char in text if char.isspace())


# -- texts -----------------------------------------------------------------------------


@pytest.mark.parametrize("filler", ["one two three", " ".join(f"w{i}" for i in range(25))])
def test_a_model_that_counts_a_word_gives_it_all(tmp_path, filler):
    texts = [f"free {filler} free", f"{filler} nothing", f"{filler} Free"]
    found = explain.explain_content(texts_stage(tmp_path, texts), texts_model(weighed))
    assert len(found.rows) == 3
    for row in found.rows:
        values = {word.lower(): value for word, value in by_word(row).items()}
        count = row.text.lower().split().count("free")
        assert values.pop("free", 0.0) == pytest.approx(2.0 * count, abs=1e-9)
        np.testing.assert_allclose(list(values.values()), 0, atol=1e-9)
        assert max(row.outputs[0].standard_error) < 1e-9
        assert row.orders == (0 if len(row.parts) <= 10 else 200)


@given(st.lists(st.sampled_from(["free", "win", "hello", "you", "🎉"]), min_size=1, max_size=24))
@settings(max_examples=15, deadline=None)
def test_additive_weights_are_recovered_and_add_up(tmp_path_factory, words):
    stage = texts_stage(tmp_path_factory.mktemp("t"), [" ".join(words)] * 2)
    found = explain.explain_content(stage, texts_model(weighed))
    stage.finish()
    (row,) = found.rows
    expected = [WEIGHTS.get(word, 0.0) for word in words]
    np.testing.assert_allclose(row.outputs[0].values, expected, atol=1e-9)
    assert row.outputs[0].base == 0
    assert found.additivity_error < 1e-9


@pytest.mark.parametrize("more", ["", " ".join("abcdefghijkl")])
def test_an_interaction_is_shared_evenly(tmp_path, more):
    model = texts_model(lambda text: 6.0 * ("not" in text.split() and "bad" in text.split()))
    found = explain.explain_content(texts_stage(tmp_path, [f"not {more} bad"] * 2), model)
    values = by_word(found.rows[0])
    # Pairs of an order and its reverse share a two-word effect exactly, whatever is drawn.
    assert values["not"] == pytest.approx(3) and values["bad"] == pytest.approx(3)
    assert found.checks[0].severity == "ok"


def test_other_columns_stay_and_the_base_is_each_rows_own(tmp_path):
    model = texts_model(weighed)
    inner = model.function
    model.function = lambda frame: inner(frame) * (1 + frame["x"].to_numpy()) + frame["x"]
    found = explain.explain_content(
        texts_stage(tmp_path, ["free", "win free", "hello", "win"]), model
    )
    for row in found.rows:
        x = row.row % 3
        assert row.outputs[0].base == x
        assert row.outputs[0].output == pytest.approx(x + (1 + x) * weighed(row.text))


def test_odd_texts(tmp_path):
    long = " ".join(["free"] + [f"word{i}" for i in range(10_000)])
    texts = [None, "", "  ", "free", "😀", "!", NASTY, long, "A" * 9_000]
    stage = texts_stage(tmp_path, texts, y=[0, 0, 0, 2, 0, 0, 3, 2, 0.0])
    found = explain.explain_content(stage, texts_model(quick))
    assert found.columns[0].empty == 3
    explainer = explain.content_explainer(stage, texts_model(quick))
    assert explainer(0) == [] and explainer(1) == []
    assert explainer(3)[0].outputs[0].values == [2.0]
    (grouped,) = explainer(7)
    assert grouped.words == 10_001 and len(grouped.parts) == text_tokens.MOST_PARTS
    assert grouped.outputs[0].values[0] == pytest.approx(2)
    (one,) = explainer(8)
    whole = found.model_copy(update={"rows": [grouped, one, *explainer(4)]})
    assert len(plots.tokens(whole, 0)) < 20_000 and len(plots.tokens(whole, 1)) < 2_000
    assert "😀" in plots.tokens(whole, 2)
    with pytest.raises(DataError, match="not a test row"):
        explainer(99)


def test_words_over_rows(tmp_path):
    texts = ["Free you", "free win win", "win hello", "other"]
    found = explain.explain_content(texts_stage(tmp_path, texts), texts_model(weighed))
    words = {each.word: each for each in found.columns[0].words}
    assert set(words) == {"free", "win"}
    assert words["win"].rows == 2 and words["win"].mean_abs == pytest.approx(1.5)
    assert list(words) == ["free", "win"]
    assert counting.LEAST_ROWS == 2


# -- rows, budget, determinism -----------------------------------------------------------


def classifier(text):
    p = 1 / (1 + np.exp(-weighed(text)))
    return [1 - p, p]


def binary_stage(folder, n=60, seed=0):
    rng = np.random.default_rng(seed)
    words = ["free", "win", "hello", "you", "are", "late", "now", "today"]
    texts = [" ".join(rng.choice(words, rng.integers(3, 20))) for _ in range(n)]
    y = np.where(rng.random(n) < 0.3, "spam", "ham")
    return texts_stage(folder, texts, y, "binary", positive="spam")


def test_telling_rows_of_two_classes(tmp_path):
    stage = binary_stage(tmp_path)
    model = texts_model(classifier, "binary", ["ham", "spam"], 0.5)
    found = explain.explain_content(stage, model)
    why = [row.why for row in found.rows]
    assert why == [
        *["most certain and right"] * 2, *["most certain and wrong"] * 2,
        *["nearest to the threshold"] * 2,
    ]  # fmt: skip
    assert {row.predicted for row in found.rows[:2]} == {"ham", "spam"}
    assert all((row.actual == row.predicted) == (i < 2) for i, row in enumerate(found.rows[:4]))
    assert stage.read(ContentExplanation) == found
    again = explain.explain_content(binary_stage(tmp_path / "b"), model)
    assert again == found
    one = explain.content_explainer(stage, model)(found.rows[0].row)[0]
    assert one.outputs == found.rows[0].outputs


def test_several_classes_show_the_predicted_and_the_actual(tmp_path):
    def three(text):
        score = np.exp([text.split().count(word) for word in ("free", "win", "hello")])
        return score / score.sum()

    texts = ["free free you", "win win", "hello", "free hello hello", "win you", "free win"]
    stage = texts_stage(tmp_path, texts, ["a", "b", "c", "a", "z", "b"], "multiclass")
    found = explain.explain_content(stage, texts_model(three, "multiclass", ["a", "b", "c"]))
    shown = {row.row: [each.of for each in row.outputs] for row in found.rows}
    assert shown[0] == ["a"] and shown[3] == ["c", "a"]
    assert shown[4] == ["b"]  # the model knows no class z
    for row in found.rows:
        for each in row.outputs:
            assert each.base + sum(each.values) == pytest.approx(each.output)


def test_budget_is_kept_and_said(tmp_path):
    texts = [" ".join(f"t{i}w{j}" for j in range(60)) for i in range(8)]
    frame = pd.DataFrame({"y": np.arange(8.0)})
    for name in ("text", "b", "c"):
        frame[name] = pd.Series(texts, dtype="str")
    stage = open_with(tmp_path, frame, dict.fromkeys(("text", "b", "c"), "text"))
    model = texts_model(lambda text: float(len(text)))
    model.columns = {name: Column(type="text") for name in ("text", "b", "c")}
    found = explain.explain_content(stage, model)
    assert model.rows == found.evaluations <= 60_000 + 8 + 3 * 6 * 3
    assert model.calls <= 12
    assert any("orders a row instead of 200" in note for note in stage.notes)
    assert len(found.rows) == 18


def test_tables_without_contents_cost_nothing(tmp_path):
    frame = pd.DataFrame({"x": np.arange(20.0), "y": np.arange(20.0)})
    stage = make_stage(tmp_path, frame, "y", "regression")
    model = FunctionModel(lambda f: f["x"], ["x"])
    found = explain.explain_content(stage, model)
    assert model.calls == 0
    assert found == stage.read(ContentExplanation) and not found.rows
    assert explain.content_explainer(stage, model)(3) == []
    panel = widgets.ContentPanel(stage, found)
    assert "no texts or images" in panel.static_html()


# -- images ----------------------------------------------------------------------------


def pictures_stage(folder, pixels, **more):
    cells = pd.Series([None if p is None else images.encode(p) for p in pixels], dtype=object)
    frame = pd.DataFrame({"picture": cells, "y": np.arange(float(len(cells)))})
    return open_with(folder, frame, {"picture": "image"}, **more)


def pictures_model(function):
    def predict(frame):
        return np.array(
            [0.0 if c is None else function(images.decode(c)) for c in frame["picture"]]
        )

    model = FunctionModel(predict, [])
    model.columns = {"picture": Column(type="image")}
    return model


def corner(pixels):
    return float(pixels[:4, 4:8].astype(float).sum()) / 100


def test_a_model_that_sums_one_patch_gives_it_all(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (4, 28, 28), dtype=np.uint8)
    found = explain.explain_content(pictures_stage(tmp_path, pixels), pictures_model(corner))
    for row in found.rows:
        each = row.outputs[0]
        values = np.array(each.values)
        assert values.shape == (49,) and row.orders
        assert values[1] == pytest.approx(each.output - each.base) and values[1] != 0
        np.testing.assert_allclose(np.delete(values, 1), 0, atol=1e-9)
    assert "number 2 from the left and 1 from the top" in plots.heat(found, 0).alt
    assert found.additivity_error < 1e-9


def test_images_that_show_little(tmp_path):
    colour = np.zeros((9, 30, 3), dtype=np.uint8)
    colour[2, 3] = (250, 10, 10)
    pixels = [np.full((8, 8), 90, dtype=np.uint8), None, colour, np.uint8([[1]]), np.eye(8) > 0]
    model = pictures_model(lambda p: float(p.astype(float).mean()))
    stage = pictures_stage(tmp_path, pixels)
    found = explain.explain_content(stage, model)
    assert found.columns[0].empty == 1
    rows = {row.row: row for row in found.rows}
    assert set(rows[0].outputs[0].values) == {0.0} and rows[0].orders == 0
    assert "No patch moved the output" in plots.heat(found, found.rows.index(rows[0])).alt
    assert found.additivity_error < 1e-9
    for row in found.rows:
        assert len(row.outputs[0].values) == (len(row.down) - 1) * (len(row.across) - 1) <= 49
    assert len(set(np.diff(rows[4].down))) == 1  # patches of a small image are equally large


@given(st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_patches_tile_every_image(height, width):
    pixels = np.random.default_rng(height).integers(0, 255, (height, width), dtype=np.uint8)
    found = image_patches.image(images.encode(pixels))
    assert (
        len(found.differs)
        == (len(found.rows) - 1) * (len(found.columns) - 1)
        <= image_patches.MOST_PATCHES
    )
    assert (np.diff(found.rows) > 0).all() and (np.diff(found.columns) > 0).all()
    assert (found.rows[-1], found.columns[-1]) == (height, width)
    whole, none = found.masked(np.repeat([[True], [False]], len(found.differs), axis=1))
    np.testing.assert_array_equal(images.decode(whole), pixels)
    assert len(np.unique(images.decode(none))) == 1


def test_noise_is_named(tmp_path):
    # The output has nothing to do with what is seen, but equal images have equal ones.
    pixels = np.random.default_rng(0).integers(0, 255, (2, 28, 28), dtype=np.uint8)
    model = pictures_model(lambda p: np.random.default_rng(list(p[:, ::3].tobytes())).normal())
    stage = pictures_stage(tmp_path, pixels)
    found = explain.explain_content(stage, model)
    assert found.columns[0].unclear > 88
    assert "MOSTLY NOISE" in plots.heat(found, 0).title
    assert [c.severity for c in found.checks] == ["ok", "warning"]
    assert any("Exactness of images" in note for note in stage.notes)


def test_a_model_that_changes_its_mind_is_found_out(tmp_path):
    rng = np.random.default_rng(0)
    stage = texts_stage(tmp_path, ["free you", "win all"])
    found = explain.explain_content(stage, texts_model(lambda text: weighed(text) + rng.normal()))
    assert found.checks[0].severity == "critical"


# -- figures and panel -----------------------------------------------------------------


def test_texts_are_escaped_and_signed(tmp_path):
    stage = texts_stage(tmp_path, [NASTY, "hello & <b>free</b> " + "so " * 30])
    found = explain.explain_content(stage, texts_model(weighed))
    for place, _ in enumerate(found.rows):
        text = plots.tokens(found, place)
        assert "<script" not in text and "<b>" not in text
        assert "free<sup>+</sup>" in text
    assert "hello<sup>−</sup>" in plots.tokens(found, 0) + plots.tokens(found, 1)
    panel = widgets.ContentPanel(
        stage, found, explain.content_explainer(stage, texts_model(weighed))
    )
    for shown in (panel.static_html(), panel._picture.value):
        assert "<script" not in shown
        assert "&lt;" in shown
    with pytest.raises(UsageError):
        plots.heat(found, 0)
    with pytest.raises(UsageError):
        plots.tokens(found, 7)
    with pytest.raises(UsageError):
        plots.tokens(found, 0, "spam")


def test_panel_shows_rows_and_explains_more(tmp_path):
    stage = binary_stage(tmp_path)
    model = texts_model(classifier, "binary", ["ham", "spam"], 0.5)
    found = explain.explain_content(stage, model)
    panel = widgets.ContentPanel(stage, found, explain.content_explainer(stage, model))
    assert len(panel.row.options) == 6
    first = panel._picture.value
    panel.row.value = 3
    assert panel._picture.value != first
    other = next(i for i in range(60) if i not in {row.row for row in found.rows})
    panel.number.value = str(other)
    assert len(panel.row.options) == 7 and f"Row {other} is shown" in panel._status.value
    panel.number.value = str(found.rows[1].row)
    assert panel.row.value == 1
    panel.number.value = "4711"
    assert "not a test row" in panel._status.value
    assert panel.static_html().count("<figure") == 3 + 1  # three rows and the words
    assert plots.words(found, "text").alt
    stage.finish()
