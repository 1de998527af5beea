"""Feature engineering: what becomes of each kind of column, on its own and for any cells."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit import canonical
from toolkit.artifacts import FeatureMap
from toolkit.plots.automl import features as figures
from toolkit.project.data import Column
from toolkit.table import Features, conform
from toolkit.table.cells import values
from toolkit.table.features.featuriser import SAMPLE
from toolkit.table.images import images

# -- any cells -------------------------------------------------------------------------

_ODD = ["", "NA", "<b>&amp;</b>", "ünïcödé 漢字", "a" * 3000, "\u202e", "'; DROP", "0", "-0", "🙂"]
_CELLS = {
    "number": ["1", "2.5", "$1,234.50", "12 %", "(30)", "1e308", "-1e308", "inf", "x", "−5"],
    "size": ["10", "20", "40", "80", "1e9", "0", "3"],
    "category": ["red", "green", "1.0", "1", "TRUE", "<i>"],
    "code": [f"{a}{n}" for a, n in itertools.product("AB", range(40))],
    "boolean": ["yes", "No", "t", "0", "да", "maybe"],
    "date": ["2024-02-29", "2024-12-31T23:59:59+05:00", "0001-01-01", "9999-12-31", "soon"],
    "text": ["a cat sat on the mat", "the cat", "WIN £1000 now!!! call 0800", "\n\t. ,"],
}
_TYPES = {"size": "number", "code": "category"}
_IMAGES = [images.encode(np.full((5, 9, 3), 40 * i, dtype="uint8")) for i in range(4)]
_IMAGES.append(b"no image")
COLUMNS = {name: Column(type=_TYPES.get(name, name)) for name in _CELLS}  # type: ignore[arg-type]
COLUMNS |= {
    "other size": Column(type="number"),
    "other date": Column(type="date"),
    "image": Column(type="image"),
    "empty": Column(type="number"),
    "nothing said": Column(type="text"),
}


@st.composite
def frames(draw: st.DrawFn, most: int = 30) -> pd.DataFrame:
    """Typed rows from cells of any kind."""
    rows = draw(st.integers(1, most))
    raw: dict[str, list[object]] = {}
    for name, usual in _CELLS.items():
        cells = st.one_of(st.sampled_from(usual), st.sampled_from(_ODD), st.text(max_size=12))
        raw[name] = draw(st.lists(cells, min_size=rows, max_size=rows))
    raw["other size"], raw["other date"] = raw["size"][::-1], raw["date"][::-1]
    picture = st.sampled_from([*_IMAGES, None])
    raw["image"] = draw(st.lists(picture, min_size=rows, max_size=rows))
    raw["empty"], raw["nothing said"] = [None] * rows, [None] * rows
    return conform(pd.DataFrame(raw), COLUMNS)


any_rows = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@any_rows
@given(frames(), frames(4))
def test_any_rows_become_numbers_and_levels_that_are_known(
    train: pd.DataFrame, asked: pd.DataFrame
) -> None:
    features = Features.fit(train, COLUMNS, 7)
    known, made = features.transform(train), features.transform(asked)
    assert list(made) == list(known) == list(features.origin)
    assert len(made) == len(asked)
    for name in made:
        if made[name].dtype == np.float64:
            assert not np.isinf(made[name]).any()
        else:
            assert isinstance(made[name].dtype, pd.StringDtype)
            assert set(made[name].dropna()) <= set(known[name].dropna())
        assert set(features.sources[name]) <= set(COLUMNS)
        assert features.origin[name] == features.sources[name][0]


@any_rows
@given(frames(), frames(4))
def test_a_row_alone_gives_what_it_gives_among_others(
    train: pd.DataFrame, asked: pd.DataFrame
) -> None:
    features = Features.fit(train, COLUMNS, 7)
    together = features.transform(asked)
    for row in range(len(asked)):
        alone = features.transform(asked.iloc[[row]])
        pd.testing.assert_frame_equal(alone, together.iloc[[row]], check_exact=True)


@settings(any_rows, max_examples=6)
@given(frames())
def test_saved_features_are_equal_and_so_are_their_files(
    tmp_path_factory: pytest.TempPathFactory, train: pd.DataFrame
) -> None:
    first, second = (tmp_path_factory.mktemp("features") for _ in range(2))
    features = Features.fit(train, COLUMNS, 7)
    features.save(first)
    Features.fit(train.copy(), COLUMNS, 7).save(second)
    assert canonical.digest_file(first) == canonical.digest_file(second)
    loaded = Features.load(first)
    assert loaded.columns == features.columns
    assert list(loaded.columns) == list(features.columns)
    assert (loaded.origin, loaded.sources) == (features.origin, features.sources)
    assert (loaded.notes, loaded.describe()) == (features.notes, features.describe())
    pd.testing.assert_frame_equal(
        loaded.transform(train), features.transform(train), check_exact=True
    )


def test_no_rows_and_a_strange_index() -> None:
    frame = _typed({"city": ["a", "b", "a"], "when": ["2024-01-01"] * 3, "x": [1, 2, 3]})
    features = Features.fit(frame, _columns(city="category", when="date", x="number"), 7)
    assert len(features.transform(frame.iloc[:0])) == 0
    moved = frame.set_axis([7, 7, 3])
    assert features.transform(moved).index.tolist() == [7, 7, 3]


# -- numbers ---------------------------------------------------------------------------


def test_numbers_written_as_text() -> None:
    texts = ["$1,234.50", "€ 5", "12 %", "1 234", "(1,234)", "-£5", "−5", "R$ 10", "10 kr"]
    wanted = [1234.5, 5, 12, 1234, -1234, -5, -5, 10, 10]
    np.testing.assert_array_equal(values.numbers(texts), wanted)
    np.testing.assert_array_equal(values.numbers(["1,23,456", "USD 1,000"]), [123456, 1000])
    np.testing.assert_array_equal(values.numbers(["1.234,50 €", "(12,5)"], ","), [1234.5, -12.5])
    none = values.numbers(["1/2", "--5", "-$-5", "()", "12 months", "5 % %", "(" + " " * 9999])
    assert np.isnan(none).all()


def test_what_does_not_vary_is_left_out_and_said() -> None:
    frame = _typed({"x": [1, 2, 3, 4], "same": [5, 5, 5, 5], "none": [None] * 4})
    columns = _columns(x="number", same="number", none="number")
    features = Features.fit(frame, columns, 7)
    assert list(features.transform(frame)) == ["x"]
    (note,) = features.notes
    assert "2 columns" in note and "'same'" in note and "'none'" in note
    assert features.map().left_out == ["same", "none"]
    # A monotonic constraint may lie on it: it stays.
    assert list(Features.fit(frame, columns, 7, alone=["same"]).origin) == ["x", "same"]


def test_something_is_left_where_nothing_varies() -> None:
    frame = _typed({"same": [5, 5, 5]})
    assert Features.fit(frame, _columns(same="number"), 7).transform(frame).shape == (3, 1)


def test_amounts_that_grow_together_give_a_ratio_with_both_sources() -> None:
    rng = np.random.default_rng(0)
    homes = np.round(rng.lognormal(5, 1, 400))
    frame = _typed({"homes": homes, "rooms": np.round(homes * rng.uniform(3, 8, 400))})
    frame.loc[3, "homes"] = 0
    columns = _columns(homes="number", rooms="number")
    features = Features.fit(frame, columns, 7)
    made = features.transform(frame)
    assert list(made) == ["homes", "rooms", "homes.per rooms"]
    assert features.sources["homes.per rooms"] == ("homes", "rooms")
    np.testing.assert_allclose(made["homes.per rooms"], frame["homes"] / frame["rooms"])
    assert list(Features.fit(frame, columns, 7, alone=["rooms"]).origin) == ["homes", "rooms"]


def test_map_coordinates_are_turned() -> None:
    frame = _typed({"latitude": [50.0, 51.0, 52.0], "lon": [8.0, 10.0, 9.0]})
    features = Features.fit(frame, _columns(latitude="number", lon="number"), 7)
    made = features.transform(frame)
    assert made["latitude.plus lon"].tolist() == [58.0, 61.0, 61.0]
    assert made["latitude.minus lon"].tolist() == [42.0, 41.0, 43.0]


# -- dates -----------------------------------------------------------------------------


def test_dates_become_parts_cycles_and_durations() -> None:
    frame = _typed(
        {
            "start": ["2024-01-01 06:30", "2023-12-31 12:00", None],
            "end": ["2024-01-11 06:30", "2024-01-01 00:00", "2024-02-01 00:00"],
        }
    )
    features = Features.fit(frame, _columns(start="date", end="date"), 7)
    made = features.transform(frame)
    assert made["start.hour"].tolist()[:2] == [6.5, 12.0]
    assert made["start.weekday"].tolist()[:2] == [0.0, 6.0]
    circle = made["start.day of year sine"] ** 2 + made["start.day of year cosine"] ** 2
    np.testing.assert_allclose(circle[:2], 1)
    assert made["end.days since start"].tolist()[:2] == [10.0, 0.5]
    assert features.sources["end.days since start"] == ("end", "start")
    assert made.loc[2].filter(like="start").isna().all()


def test_the_last_day_of_a_year_is_beside_the_first() -> None:
    days = ["2023-12-31", "2024-01-01", "2024-07-01"]
    frame = _typed({"when": days})
    made = Features.fit(frame, _columns(when="date"), 7).transform(frame)
    points = made[["when.day of year sine", "when.day of year cosine"]].to_numpy()
    assert np.linalg.norm(points[0] - points[1]) < 0.05
    assert np.linalg.norm(points[0] - points[2]) > 1.9


def test_a_date_with_an_offset_keeps_its_local_time_or_that_of_one_zone() -> None:
    spelt = pd.DataFrame({"when": ["2024-05-01T01:30:00+02:00", "2024-05-02T12:00:00Z"]})
    columns = _columns(when="date")
    made = Features.fit(conform(spelt, columns), columns, 7).transform(conform(spelt, columns))
    assert made["when.hour"].tolist() == [1.5, 12.0]
    assert made["when.day"].tolist() == [1.0, 2.0]
    # In one zone, texts and moments are the same.
    zoned = {"when": columns["when"].model_copy(update={"timezone": "UTC"})}
    moments = pd.DataFrame({"when": pd.to_datetime(spelt["when"], utc=True)})
    features = Features.fit(conform(spelt, zoned), zoned, 7)
    made = features.transform(conform(spelt, zoned))
    assert made["when.hour"].tolist() == [23.5, 12.0]
    pd.testing.assert_frame_equal(made, features.transform(conform(moments, zoned)))


# -- categories ------------------------------------------------------------------------


def test_rare_and_unseen_levels_are_one() -> None:
    columns = _columns(plan="category")
    frame = _typed({"plan": ["a"] * 5 + ["b"] * 4 + ["c", "(rare)", None]})
    features = Features.fit(frame, columns, 7)
    made = features.transform(_typed({"plan": ["a", "c", "never seen", None]}))["plan"]
    assert made.tolist()[:3] == ["a", "(rare)_", "(rare)_"]
    assert pd.isna(made[3])


def test_an_unseen_level_is_missing_where_no_level_was_rare() -> None:
    frame = _typed({"plan": ["a"] * 5 + ["b"] * 5})
    features = Features.fit(frame, _columns(plan="category"), 7)
    assert features.transform(_typed({"plan": ["never seen"]}))["plan"].isna().all()


def test_codes_with_many_levels_give_prefix_number_and_frequency() -> None:
    seats = [f"{deck}{number}" for deck in "ABC" for number in range(30)]
    frame = _typed({"seat": [*seats, "A1", "A1", None]})
    features = Features.fit(frame, _columns(seat="category"), 7)
    made = features.transform(_typed({"seat": ["A1", "B29", "C777", None]}))
    assert made["seat.prefix"].tolist()[:3] == ["A", "B", "C"]
    assert made["seat.number"].tolist()[:3] == [1.0, 29.0, 777.0]
    np.testing.assert_allclose(made["seat.frequency"][:3], [np.log(3), 0, 0])
    assert made.filter(regex="frequency|number").loc[3].isna().all()
    assert set(features.origin.values()) == {"seat"}


def test_levels_with_like_names_lie_close_together() -> None:
    jobs = ["software engineer", "software developer", "nurse", "head nurse", "tax clerk"]
    frame = _typed({"job": [f"{job} {suffix}" for job in jobs for suffix in "abcdefghij"]})
    features = Features.fit(frame, _columns(job="category"), 7)
    asked = _typed({"job": ["sofware enginer", "software engineer a", "nurse a"]})
    points = features.transform(asked).filter(like="topic").to_numpy()
    assert np.linalg.norm(points[0] - points[1]) < 0.5 * np.linalg.norm(points[0] - points[2])


def test_a_hundred_thousand_levels() -> None:
    rng = np.random.default_rng(0)
    users = [f"user {n}" for n in rng.integers(0, 100_000, 120_000)]
    frame = _typed({"user": users})
    features = Features.fit(frame, _columns(user="category"), 7)
    made = features.transform(frame.iloc[:2000])
    assert made.filter(like="topic").shape[1] == 10
    assert made["user.frequency"].between(0, np.log(20)).all()


# -- text ------------------------------------------------------------------------------


def _messages(rows: int) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(5)
    about = [
        "claim your free prize award now call winner cash urgent reply",
        "see you later at home tonight love dinner sorry okay coming",
    ]
    shared = ["the", "a", "to", "and", "it", "is", "on", "for", "of", "with"]
    kinds = rng.integers(0, 2, rows)
    return [
        " ".join([*rng.choice(about[kind].split(), 5), *rng.choice(shared, 6)]) for kind in kinds
    ], kinds


def test_texts_are_told_apart_by_what_they_are_about() -> None:
    from sklearn.linear_model import LogisticRegression

    texts, kinds = _messages(600)
    frame = _typed({"message": texts})
    columns = _columns(message="text")
    features = Features.fit(frame.iloc[:400], columns, 7)
    points = features.transform(frame).filter(like="topic").to_numpy()
    assert points.shape[1] == 4
    model = LogisticRegression(C=100).fit(points[:400], kinds[:400])
    assert model.score(points[400:], kinds[400:]) > 0.98


def test_the_shape_of_a_text() -> None:
    frame = _typed({"note": ["WINS 100% off!", "plain words here", "日本 é", None]})
    made = Features.fit(frame, _columns(note="text"), 7).transform(frame)
    assert made["note.characters"].tolist()[:3] == [14, 16, 4]
    assert made["note.words"].tolist()[:3] == [3, 3, 2]
    np.testing.assert_allclose(made["note.capitals"][:3], [4 / 14, 0, 0])
    np.testing.assert_allclose(made["note.digits"][:3], [3 / 14, 0, 0])
    np.testing.assert_allclose(made["note.punctuation"][:3], [2 / 14, 0, 0])
    np.testing.assert_allclose(made["note.beyond ASCII"][:3], [0, 0, 3 / 4])
    assert made.filter(like="topic").loc[3].eq(0).all()


def test_a_cell_of_a_megabyte() -> None:
    texts, _ = _messages(30)
    frame = _typed({"message": [*texts, "free prize " * 100_000], "level": [*texts, "x" * 10**6]})
    features = Features.fit(frame, _columns(message="text", level="category"), 7)
    made = features.transform(frame)
    assert made["message.characters"].iloc[-1] > 1e6
    assert np.isfinite(made.filter(like="topic").to_numpy()).all()


# -- images ----------------------------------------------------------------------------


def test_images_are_told_apart_by_their_edges() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    cells, kinds = [], rng.integers(0, 2, 120)
    for kind in kinds:
        pixels = rng.integers(0, 40, (20, 20), dtype="uint8")
        place = rng.integers(3, 16)
        pixels[place : place + 2] = 220
        cells.append(images.encode(pixels if kind else pixels.T))
    frame = conform(pd.DataFrame({"scan": cells}), _columns(scan="image"))
    features = Features.fit(frame.iloc[:80], _columns(scan="image"), 7)
    points = features.transform(frame).to_numpy()
    model = LogisticRegression(C=10).fit(points[:80], kinds[:80])
    assert model.score(points[80:], kinds[80:]) > 0.95
    unreadable = features.transform(pd.DataFrame({"scan": [None, b"no image"]}, dtype=object))
    assert unreadable.isna().all(axis=None)


# -- size, and what is said of it ------------------------------------------------------


def test_a_wide_table() -> None:
    rng = np.random.default_rng(0)
    names = [f"gene {i}" for i in range(2000)]
    frame = pd.DataFrame(rng.normal(size=(60, 2000)), columns=names)
    features = Features.fit(frame, {name: Column(type="number") for name in names}, 7)
    pd.testing.assert_frame_equal(features.transform(frame), frame)


def test_many_rows_are_sampled_and_that_is_said() -> None:
    rows = SAMPLE + 10
    frame = pd.DataFrame({"x": np.arange(rows, dtype="float64"), "flag": np.zeros(rows)})
    frame.loc[rows - 1, "flag"] = 1.0
    features = Features.fit(frame, _columns(x="number", flag="number"), 7)
    assert f"{SAMPLE:,} of {rows:,}" in features.notes[0]
    assert list(features.origin) == ["x", "flag"]  # varies in one row of all


def test_the_map_of_features(tmp_path: Path) -> None:
    texts, _ = _messages(150)
    frame = _typed(
        {
            "<b>note</b>": texts,
            "when": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(150)],
            "x": range(150),
            "same": ["k"] * 150,
        }
    )
    columns = _columns(**{"<b>note</b>": "text"}, when="date", x="number", same="category")
    features = Features.fit(frame, columns, 7)
    found = features.map()
    found.save(tmp_path)
    assert FeatureMap.load(tmp_path) == found
    assert [column.name for column in found.columns] == list(features.transform(frame))
    topic = next(column for column in found.columns if column.name == "<b>note</b>.topic 1")
    assert topic.sources == ["<b>note</b>"]
    assert topic.kind == "text"
    assert len(topic.parameters["terms"]) == 5
    assert found.left_out == ["same"]
    drawn = figures.feature_overview(found)
    assert "<b>note" not in drawn.svg
    assert drawn.alt.endswith("1 column gives none.")


def test_a_derived_name_that_is_taken() -> None:
    frame = _typed({"when": ["2024-01-05", "2023-02-06"], "when.year": [1, 2]})
    features = Features.fit(frame, _columns(when="date", **{"when.year": "number"}), 7)
    made = features.transform(frame)
    assert made["when.year"].tolist() == [1.0, 2.0]
    assert made["when.year_"].tolist() == [2024.0, 2023.0]
    assert features.origin["when.year_"] == "when"


def _columns(**types: str) -> dict[str, Column]:
    return {name: Column(type=kind) for name, kind in types.items()}  # type: ignore[arg-type]


def _typed(cells: dict[str, object]) -> pd.DataFrame:
    """Type cells by what they look like: dates by their name, numbers by their kind."""
    frame = pd.DataFrame(cells)
    kinds: dict[str, Column] = {}
    for name in map(str, frame):
        if name in ("when", "start", "end"):
            kinds[name] = Column(type="date")
        elif pd.api.types.is_numeric_dtype(frame[name]) or frame[name].isna().all():
            kinds[name] = Column(type="number")
        else:
            kinds[name] = Column(type="text")
    return conform(frame, kinds)
