"""project.yaml: round trips, errors that point, sources of choices, the log of clicks."""

from __future__ import annotations

import json
import re
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from toolkit.errors import ProjectError, UsageError
from toolkit.project import Project, ProjectFile, json_schema, reference
from toolkit.project.document import dump, parse
from toolkit.project.file import find, split_key
from toolkit.project.schema import fields
from toolkit.project.sources import append_event, read_log
from toolkit.project.validation import validate

TEXT = """\
# Who leaves, and why
name: churn   # the name
data:
  source: a.csv

columns:
  # as the CRM spells them
  "a.b": {type: number}   # months
  Churn: {type: category, role: target}
target:
  column: Churn
  task: binary
  positive: Yes
automl:
  budget: {models: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> ProjectFile:
    (tmp_path / "project.yaml").write_text(TEXT)
    return ProjectFile(tmp_path)


def test_values_are_read_as_people_mean_them(file: ProjectFile) -> None:
    project = file.project
    assert project.target.positive == "Yes"  # YAML 1.2: no boolean
    assert project.automl.budget.models == 3
    assert project.features() == ["a.b"]


def test_set_changes_one_line_and_keeps_the_rest(file: ProjectFile) -> None:
    file.set("columns.a.b.role", "ignore", by="Ana")
    file.set("problem.question", "Who leaves?", by="Ana")
    text = file.path.read_text()
    for kept in ("# Who leaves, and why", "# the name", "# as the CRM spells them", "# months"):
        assert kept in text
    assert text.index("columns:") < text.index("target:") < text.index("automl:")
    assert file.project.columns["a.b"].role == "ignore"
    assert ProjectFile(file.path).project == file.project
    events = read_log(file.decisions / "choices.jsonl").events
    assert [(e["by"], e["key"], e["old"], e["new"]) for e in events] == [
        ("Ana", "columns.a.b.role", "feature", "ignore"),
        ("Ana", "problem.question", "", "Who leaves?"),
    ]


def test_setting_the_same_value_writes_nothing(file: ProjectFile) -> None:
    before = file.path.read_text()
    file.set("automl.budget.models", 3)
    file.set("seed", 7)  # the default, which is not written down
    assert file.path.read_text() == before
    assert not file.decisions.exists()


def test_a_value_that_does_not_fit_leaves_the_file_alone(file: ProjectFile) -> None:
    before = file.path.read_text()
    with pytest.raises(ProjectError):
        file.set("automl.budget.models", "many")
    with pytest.raises(ProjectError):
        file.update({"seed": 3, "split.method": "group"})  # needs a column
    assert file.path.read_text() == before
    assert file.project.seed == 7


def test_values_that_are_only_valid_together(file: ProjectFile) -> None:
    file.update({"choice.champion": "h2o_gbm_1", "choice.reason": "smaller"}, by="Ana")
    assert file.project.choice.champion == "h2o_gbm_1"


def test_edit_made_elsewhere_is_kept(file: ProjectFile) -> None:
    file.path.write_text(file.path.read_text().replace("# months", "# years") + "seed: 11\n")
    file.set("report.title", "T")
    assert file.project.seed == 11
    assert "# years" in file.path.read_text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: churn", "nmae: churn", ["line 2", "nmae", "Did you mean `name`"]),
        ("{models: 3}", "{modles: 3}", ["line 15", "automl.budget.modles", "automl.budget.models"]),
        ("{models: 3}", "{models: many}", ["line 15", "automl.budget.models", "a whole number"]),
        ("{models: 3}", "{models: 0}", ["line 15", "1 or more"]),
        ("task: binary", "task: binry", ["line 12", "target.task", "'binary'"]),
        ("column: Churn", "column: Chrun", ["'Chrun'", "columns"]),
        ("role: target", "role: feature", ["Churn", "target"]),
        ("type: number", "type: numeric", ["line 8", "columns.a.b.type", "'number'"]),
        ("name: churn", "name: [", ["not valid YAML", "line"]),
        ("  positive: Yes\n", "", ["target.positive"]),
    ],
)
def test_errors_name_file_line_key_and_what_was_expected(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in TEXT
    (tmp_path / "project.yaml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ProjectError) as caught:
        ProjectFile(tmp_path)
    line = caught.value.line()
    assert "\n" not in line
    assert str(tmp_path / "project.yaml") in line
    for word in words:
        assert word in line
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("governance: {review_date: 2031-00-10}", ["line 16", "governance.review_date", "month"]),
        ("governance: {review_date: 2031-02-30}", ["line 16", "day value"]),
        ("governance: {review_date: 20310228}", ["line 16", "2030-01-31"]),
        ("costs: {false_negative: .inf}", ["line 16", "costs.false_negative", "finite"]),
        ("costs: {true_positive: -.inf}", ["line 16", "costs.true_positive", "finite"]),
        ("explain: {confidence: .nan}", ["line 16", "explain.confidence"]),
        ("seed: 99999999999999999999", ["line 16", "less than"]),
        ("format: 3", ["line 16", "expected 1"]),
        ("seed: 1\nseed: 2", ["line 17", "duplicate key"]),
        ("report:\n\ttitle: x", ["line 17", "not valid YAML"]),
        ("report: *gone", ["line 16", "undefined alias"]),
        ("report: {title: !!python/name:os.system ''}", ["line 16", "the tag"]),
        ("? [a, b]\n: 1", ["line 16", "no text"]),
        ("~: 1", ["line 16", "no text"]),
        ("labels: " + "[" * 5000, ["not valid YAML"]),
        (f"'{'k' * 2000}': 1", ["line 16", "1,024"]),
    ],
)
def test_values_that_yaml_reads_otherwise_are_one_line(
    tmp_path: Path, line: str, words: list[str]
) -> None:
    (tmp_path / "project.yaml").write_text(TEXT + line + "\n")
    with pytest.raises(ProjectError) as caught:
        ProjectFile(tmp_path)
    said = caught.value.line()
    assert "\n" not in said
    assert len(said) < 700
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("-888", "-888"), ("0042", "0042"), ("7.10", "7.10"), ("1e6", "1e6"), ("0x2F", "0x2F"),
        ("2031-04-05", "2031-04-05"), ("2031-13-05", "2031-13-05"), ("no", "no"), ("on", "on"),
        ("90071992547409931234", "90071992547409931234"), ("!!str 5", "5"),
    ],
)  # fmt: skip
def test_a_number_where_a_text_is_meant_is_read_as_written(
    tmp_path: Path, written: str, read: str
) -> None:
    text = TEXT.replace("positive: Yes", f"positive: {written}").replace("Churn", read)
    text = text.replace("source: a.csv", f"source: a.csv\n  missing: [{written}, none]")
    (tmp_path / "project.yaml").write_text(text)
    file = ProjectFile(tmp_path, ["name=0815"])
    assert file.project.data.missing == [read, "none"]
    assert file.project.target.positive == read
    assert file.project.target.column == read
    assert list(file.project.columns) == ["a.b", read]
    assert file.project.name == "0815"
    file.set(("columns", read, "missing"), ["-1"])
    again = ProjectFile(tmp_path).project
    assert again.columns[read].missing == ["-1"]
    assert list(again.columns) == ["a.b", read]
    assert f"missing: [{written}, none]" in file.path.read_text()


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(TEXT + "seed: x\nformat: 2\n")
    with pytest.raises(ProjectError, match="1 more after this one"):
        ProjectFile(tmp_path)


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n", "# nothing\n"])
def test_a_file_without_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "project.yaml").write_text(text)
    with pytest.raises(ProjectError, match="toolkit new"):
        ProjectFile(tmp_path)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_bytes(TEXT.replace("churn", "kündigung").encode("latin-1"))
    with pytest.raises(ProjectError, match="UTF-8"):
        ProjectFile(tmp_path)


def test_overrides_win_and_are_not_saved(file: ProjectFile) -> None:
    over = ProjectFile(
        file.path, ["automl.budget.models=9", "columns.a.b.role = ignore", "report.title=a = b"]
    )
    assert over.project.automl.budget.models == 9
    assert over.project.columns["a.b"].role == "ignore"
    assert over.project.report.title == "a = b"
    over.set("seed", 8)
    assert over.project.automl.budget.models == 9
    again = ProjectFile(file.path)
    assert (again.project.automl.budget.models, again.project.seed) == (3, 8)
    assert over.digest() != again.digest()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("automl.budget.models", "key=value"),
        ("=3", "key=value"),
        ("automl.budgets.models=3", "Did you mean `automl.budget`"),
        ("automl.budget.modles=3", "Did you mean `automl.budget.models`"),
        ("automl.budget.models=many", "override automl.budget.models"),
        ("report.title=[", "not valid YAML"),
        ("costs.false_positive=.nan", "finite"),
        ("governance.review_date=2031-13-01", "month"),
        ("data.missing.0=x", "a list, such as"),
        ("data.encoding=utf9", "unknown encoding"),
        ("data.header_row=-1", "0 or more"),
    ],
)
def test_an_override_that_cannot_be_meant(file: ProjectFile, override: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        ProjectFile(file.path, [override])
    assert words in caught.value.line()
    assert caught.value.exit_code == 2


def test_sources_of_choices(file: ProjectFile) -> None:
    file.set("problem.question", "Who?", by="Ana")
    file.set("seed", 5, by="Ana")
    file.path.write_text(file.path.read_text().replace("seed: 5", "seed: 6"))  # by hand, later
    over = ProjectFile(file.path, ["automl.budget.models=9"])
    sources = over.sources()
    assert sources["automl.budget.models"].kind == "parameter"
    assert (sources["problem.question"].kind, sources["problem.question"].by) == ("person", "Ana")
    assert sources["seed"].kind == "project file"
    assert sources["name"].kind == "project file"
    assert sources["automl.folds"].kind == "default"


OLD_NAMES = TEXT + "explain: {rows: 9, game: path-dependent}  # as in 0.1\n"


def test_old_names_are_read_with_a_note_and_replaced_only_when_set(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(OLD_NAMES)
    file = ProjectFile(path)
    assert file.project.explain.feature_perturbation == "tree_path_dependent"
    assert file.sources()["explain.feature_perturbation"].kind == "project file"
    (note,) = file.notes()
    assert "explain.feature_perturbation: tree_path_dependent" in note
    assert path.read_text() == OLD_NAMES
    again = ProjectFile(path, ["explain.game=interventional"])
    assert again.project.explain.feature_perturbation == "interventional"
    file.set("explain.feature_perturbation", "interventional", by="Ana")
    assert "game" not in path.read_text()
    assert "# as in 0.1" in path.read_text()
    assert not file.notes()
    path.write_text(OLD_NAMES.replace("rows: 9", "feature_perturbation: interventional"))
    with pytest.raises(ProjectError, match="both are given"):
        ProjectFile(path)


def test_a_choice_by_its_old_name_is_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(TEXT + "fairness: {mitigation: stand-in age 0, mitigation_reason: why}\n")
    assert ProjectFile(path).project.fairness.mitigation == "surrogate age 0"


def test_comments_do_not_count(file: ProjectFile, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("\n".join(line.partition("#")[0] for line in TEXT.splitlines()))
    assert ProjectFile(other).digest() == file.digest()


def test_find_looks_in_the_parents(file: ProjectFile, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = file.folder / "notebooks" / "drafts"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert find().resolve() == file.path.resolve()
    assert find("elsewhere.yaml") == Path("elsewhere.yaml")


def test_log_survives_a_line_cut_short(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append_event(log, {"n": 1})
    with log.open("a") as stream:
        stream.write('{"n": 2')  # the machine went down here
    assert read_log(log).events == [{"n": 1}]
    append_event(log, {"n": 3})
    assert read_log(log).events == [{"n": 1}, {"n": 3}]
    log.write_text(log.read_text().replace('{"n": 1}', '{"n": 1'))  # damage, not a crash
    with pytest.raises(ProjectError, match="line 1"):
        read_log(log)


EVENT = '{"at": "2026-04-02T08:00:00+00:00", "by": "Ida", "key": "seed", "new": 3}'


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + EVENT.encode() + b"\n",
        EVENT.encode() + b"\r\n\r\n",
        b"\n   \n" + EVENT.encode(),
        EVENT.encode() + b"\r",
        EVENT.encode() + b'\n{"at": "2026-04-03T0',
        EVENT.encode() + b'\n{"by": "Jos\xc3',
        EVENT.encode() + b'\n{"new": fal',
        EVENT.encode() + b'\n{"new": "\\u00',
        EVENT.encode() + b'\n{"at"' + bytes(40),
    ],
)
def test_a_log_reads_whatever_editor_or_crash_it_went_through(tmp_path: Path, content) -> None:
    log = tmp_path / "choices.jsonl"
    log.write_bytes(content)
    found = read_log(log)
    assert found.events == [json.loads(EVENT)]
    lost = content.count(b"{") > 1
    assert len(found.cut_short) == len(found.notes()) == lost
    if lost:
        assert "choices.jsonl, line 2: a crash cut it short" in found.notes()[0]
    assert log.read_bytes() == content
    append_event(log, {"n": 4})
    assert [*read_log(log).events] == [json.loads(EVENT), {"n": 4}]
    assert log.read_bytes().startswith(content)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (EVENT + EVENT, "holds more than one event"),
        (EVENT + ",", "ends with a comma"),
        (EVENT[:-1] + ",}", "is not JSON"),
        (EVENT[:-1], "is not JSON"),
        (f"[{EVENT}]", "holds a list, not an event"),
        ("17", "holds a number, not an event"),
        ("<<<<<<< ours", "merge conflict"),
        ("=======", "merge conflict"),
        ('{"by": "Ida", "by": "Jo"}', "has the key 'by' twice"),
        ('{"new": NaN}', "holds NaN, which is no number"),
        ('{"new": -Infinity}', "holds -Infinity"),
        ('{"by": "\\udfff"}', "surrogate"),
        ("{" * 3 + "#cut short", "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"n": ' + "7" * 5_000 + "}", "a number that is too long"),
        ("{'by': 'Ida'}", "is not JSON"),
    ],
)
def test_any_other_line_is_an_error_with_its_place(tmp_path: Path, line, said) -> None:
    log = tmp_path / "labels.jsonl"
    for content in (f"{EVENT}\n\n{line}\n{EVENT}\n", f"{EVENT}\n\n{line}\n"):
        log.write_text(content)
        with pytest.raises(ProjectError) as caught:
            read_log(log)
        assert f"labels.jsonl, line 3: {said}" in caught.value.line() or said in caught.value.line()
        assert caught.value.where.endswith("labels.jsonl, line 3")
        assert line[:20] in caught.value.problem.replace("\\\\", "\\")
        assert log.read_text() == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (EVENT.encode("utf-16"), "is in UTF-16"),
        (EVENT.encode("utf-16-le"), "holds NUL bytes"),
        (EVENT.replace("Ida", "Zoë").encode("latin-1"), "is not UTF-8"),
        ((EVENT + EVENT).encode(), "more than one event"),
        ((EVENT + "\n" + EVENT[:-1] + ",}").encode(), "is not JSON"),
        ((EVENT + "\n>>>>>>> theirs").encode(), "merge conflict"),
    ],
)
def test_a_last_line_without_its_end_is_ignored_only_if_it_was_cut(
    tmp_path: Path, content, said
) -> None:
    log = tmp_path / "labels.jsonl"
    log.write_bytes(content)
    with pytest.raises(ProjectError, match=said):
        read_log(log)
    append_event(log, {"n": 1})
    with pytest.raises(ProjectError, match=said):
        read_log(log)


def test_choices_are_attributed_by_time_and_bad_ones_are_located(file: ProjectFile) -> None:
    log = file.decisions / "choices.jsonl"
    file.set("seed", 11, by="Ana")
    append_event(
        log, {"at": "2026-01-01T12:00:00+02:00", "by": "Bo", "key": "seed", "new": 5, "old": 7}
    )
    assert file.sources()["seed"].by == "Ana"
    for event, said in (
        ({"at": "2026-01-01T12:00:00Z", "by": "Bo", "key": ["seed"]}, "line 3: key is"),
        ({"at": "noon", "by": "Bo", "key": "seed"}, "line 3: at is 'noon'"),
    ):
        kept = log.read_bytes()
        append_event(log, event)
        with pytest.raises(ProjectError, match=re.escape(said)):
            file.sources()
        log.write_bytes(kept)


def test_schema_and_reference_cover_every_key() -> None:
    schema = json_schema()
    json.dumps(schema)
    text = reference()
    for key, field in fields():
        assert f"`{key}`" in text
        assert field.description, key


# -- properties --------------------------------------------------------------------------

_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20
).filter(lambda name: name.strip() == name and name != "y")
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=60)


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(_NAMES, min_size=1, max_size=5, unique=True),
    label=st.one_of(st.integers(), st.booleans(), _NAMES),
    words=_WORDS,
)
@example(names=["0", "0000000000000000 0"], label=0, words="")
def test_any_names_and_words_survive_the_file(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], label: object, words: str
) -> None:
    path = tmp_path_factory.mktemp("p") / "project.yaml"
    path.write_text(
        "name: n\ndata: {source: s}\ncolumns: {y: {type: category, role: target}}\n"
        'target: {column: y, task: binary, positive: "1"}\n'
    )
    file = ProjectFile(path)
    for name in names:
        file.set(("columns", name), {"type": "number"})
        file.set(("columns", name, "protected"), True)
    file.set("target.positive", label)
    file.set("governance.notes", words)
    again = ProjectFile(path)
    assert again.project == file.project
    assert again.project.protected() == names
    assert again.project.target.positive == str(label)
    assert again.project.governance.notes == words
    assert again.digest() == file.digest()
    # Writing what was read changes nothing any more.
    text = path.read_text(encoding="utf-8")
    assert dump(parse(text, path)) == text


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(string.ascii_lowercase, min_size=1, max_size=8),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_any_document_is_a_project_or_one_line(document: dict[str, object]) -> None:
    path = Path("project.yaml")
    try:
        assert isinstance(validate(document, path), Project)
    except ProjectError as error:
        assert "\n" not in error.line()
        assert error.where


@given(st.text(max_size=30))
def test_any_text_parses_or_is_one_line(text: str) -> None:
    try:
        parse(text, Path("project.yaml"))
    except ProjectError as error:
        assert "\n" not in error.line()


@given(st.text(string.ascii_letters + ". ", min_size=1, max_size=20))
def test_a_columns_name_may_hold_dots(name: str) -> None:
    assert split_key(f"columns.{name}.role") == ("columns", name, "role")


def test_clicks_on_two_threads_are_both_kept(binary_project) -> None:
    file = binary_project()
    keys = [f"problem.{name}" for name in ("question", "decision", "users", "unit")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: file.set(key, f"said of {key}"), keys * 5))
    again = ProjectFile(file.path).project.problem
    assert [getattr(again, key.partition(".")[2]) for key in keys] == [
        f"said of {key}" for key in keys
    ]
