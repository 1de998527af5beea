"""The label review: ranking, the reviewers' log, the queue, the panel, the figures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from toolkit import labels
from toolkit.artifacts import Intake, LabelPatch, LabelReview, LabelScores, Rows, Split
from toolkit.errors import ProjectError, UsageError
from toolkit.labels.events import replay
from toolkit.plots import labels as figures
from toolkit.project.review_decisions import parse
from toolkit.table import load_part, table_digest
from toolkit.widgets import LabelPanel

FLIPPED = 25


def binary_table(rows=500, seed=0):
    """A table whose first `FLIPPED` rows have the wrong label."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=rows), rng.normal(size=rows)
    label = np.where(x + 0.3 * noise > 0.4, "yes", "no")
    label[:FLIPPED] = np.where(label[:FLIPPED] == "yes", "no", "yes")
    colour = np.where(x > 0, "blue", "red<script>")
    return pd.DataFrame({"x": x, "z": noise, "colour": colour, "y": label}).astype(
        {"colour": "str", "y": "str"}
    )


def make(folder, frame, task="binary", part=None, extra=""):
    """A project with a table and a split, as the earlier stages leave them."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {n: "number" if frame[n].dtype == float else "category" for n in frame}
    columns = "".join(
        f"  {n}: {{type: {kind}, role: {'target' if n == 'y' else 'feature'}}}\n"
        for n, kind in kinds.items()
    )
    positive = ", positive: 'yes'" if task == "binary" else ""
    (folder / "project.yaml").write_text(
        f"format: 1\nname: test\ndata: {{source: t.csv}}\ncolumns:\n{columns}"
        f"target: {{column: y, task: {task}{positive}}}\n{extra}"
    )
    stage = toolkit.open_stage("label_review", folder, "runs/r")
    if part is None:
        part = np.array(["train", "train", "validation", "test"])[np.arange(len(frame)) % 4]
        part[:FLIPPED] = "train"
    write_table(stage, frame, part)
    return stage


def write_table(stage, frame, part):
    stage.run.write(Rows(frame))
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(frame)), "part": part})))
    digest = table_digest(frame)
    stage.run.write(
        Intake(source="t.csv", digest=digest, table_digest=digest, rows=len(frame), columns=[])
    )


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    stage = make(tmp_path_factory.mktemp("scored") / "p", binary_table())
    return stage, labels.score_labels(stage)


@pytest.fixture
def stage(tmp_path, scored):
    """A fresh copy of a scored project."""
    import shutil

    folder = tmp_path / "p"
    shutil.copytree(scored[0].file.folder, folder, ignore=shutil.ignore_patterns(".lock"))
    return toolkit.open_stage("label_review", folder, "runs/r")


# -- ranking ----------------------------------------------------------------------


def test_flipped_labels_come_first(scored):
    stage, review = scored
    frame = stage.read(LabelScores).frame
    first = frame.sort_values("rank")["row"].head(FLIPPED)
    assert (first < FLIPPED).mean() > 0.8
    assert review.issues == frame["issue"].sum() > 0
    assert sum(review.issues_by_class.values()) == review.issues
    assert frame["score"].between(0, 1).all()
    assert frame["row"].is_monotonic_increasing


def test_test_rows_are_not_looked_at(scored):
    stage, _ = scored
    split = stage.read(Split).frame
    tested = set(split.loc[split["part"] == "test", "row"])
    assert not tested & set(stage.read(LabelScores).frame["row"])


def test_nobody_reviewed(scored):
    _, review = scored
    assert review.events_digest is None
    (check,) = [c for c in review.checks if c.name == "Labels reviewed by people"]
    assert check.severity == "warning"
    assert "No person" in check.message


def test_two_runs_give_equal_files(scored, tmp_path):
    again = make(tmp_path / "again", binary_table())
    labels.score_labels(again)
    for kind in (LabelScores, LabelPatch, LabelReview):
        first, second = ((s.run.folder / kind.file).read_bytes() for s in (scored[0], again))
        assert first == second, kind.file


def test_rare_classes_are_named_and_not_flagged(tmp_path):
    frame = binary_table(120)
    frame.loc[[30, 34], "y"] = "rare"
    frame.loc[38, "y"] = "once"
    stage = make(tmp_path / "p", frame, task="multiclass")
    review = labels.score_labels(stage)
    scores = stage.read(LabelScores).frame
    assert not scores.loc[scores["given"].isin(["rare", "once"]), "issue"].any()
    assert any(c.name == "Classes too rare to judge" for c in review.checks)
    assert figures.confusion(LabelScores(scores)).alt


def test_regression_finds_numbers_far_off(tmp_path):
    frame = binary_table(400)
    frame["y"] = 100 * frame["x"] + 5 * frame["z"]
    frame.loc[:9, "y"] += np.where(np.arange(10) % 2, 400.0, -400.0)
    stage = make(tmp_path / "p", frame, task="regression")
    review = labels.score_labels(stage)
    scores = stage.read(LabelScores).frame
    first = scores.sort_values("rank")["row"].head(10)
    assert set(first) == set(range(10))
    assert review.issues >= 8
    assert scores["given"].dtype == float
    for draw in (figures.scores, figures.confusion, figures.by_class):
        assert draw(LabelScores(scores)).svg.startswith("<svg")


def test_groups_are_never_split_over_folds():
    from toolkit.labels.quick import assign_folds

    groups = np.repeat(np.arange(40), 5)
    codes = np.tile([0, 1], 100)
    fold = assign_folds(codes, 5, 7, classes=True, groups=groups)
    assert all(len(set(fold[groups == g])) == 1 for g in range(40))
    assert set(fold) == set(range(5))


@pytest.mark.parametrize("rows", [2, 3, 9])
def test_few_rows_get_fewer_folds(rows):
    from toolkit.labels.quick import assign_folds

    fold = assign_folds(np.arange(rows) % 2, 5, 7, classes=True)
    assert 2 <= len(set(fold)) <= 5


def test_a_ten_row_table_works(tmp_path):
    part = np.array(["train"] * 6 + ["validation"] * 2 + ["test"] * 2)
    stage = make(tmp_path / "p", binary_table(10), part=part)
    assert labels.score_labels(stage).rows == 8


# -- rows by content -----------------------------------------------------------------


def test_a_row_is_found_in_another_order_and_among_its_copies():
    frame = binary_table(40)
    frame = pd.concat([frame, frame.iloc[[3, 3]]], ignore_index=True)
    index = labels.RowIndex(frame, "a")
    shuffled = frame.sample(frac=1, random_state=1)
    moved = labels.RowIndex(shuffled.reset_index(drop=True)[["y", "x", "z", "colour"]], "b")
    for row in range(3, 40):
        place = moved.find(index.key(row))
        assert place is not None
        assert frame.iloc[row].to_dict() == moved.frame.iloc[place].to_dict()
    assert len({index.key(row) for row in range(len(frame))}) == len(frame)
    assert [index.find(index.key(row)) for row in range(42)] == list(range(42))


def test_a_changed_cell_or_label_is_another_row():
    frame = binary_table(20)
    index = labels.RowIndex(frame, "a")
    for column, value in (("x", 99.0), ("y", "maybe"), ("colour", None)):
        changed = frame.copy()
        changed.loc[5, column] = value
        assert labels.RowIndex(changed, "b").find(index.key(5)) is None


# -- the log -----------------------------------------------------------------------

FRAME = binary_table(6)
INDEX = labels.RowIndex(FRAME, "t")


def event(row, action="accept", by="Ana", label=None, at="2026-01-01T00:00:00+00:00"):
    return {
        "at": at, "by": by, "action": action, "row": row, "key": INDEX.key(row),
        "table_digest": "t", "given": FRAME["y"][row], "label": label,
    }  # fmt: skip


rows = st.integers(0, 5)
decisions = st.builds(
    lambda row, action, by: event(row, action, by, "yes" if action == "relabel" else None),
    rows,
    st.sampled_from(["accept", "relabel", "drop", "skip"]),
    st.sampled_from(["Ana", "Bo"]),
)


@st.composite
def logs_with_undo(draw):
    """A log, and the same log without the decisions that are undone in it and their undos."""
    whole, plain = [], []
    for decision in draw(st.lists(decisions, max_size=12)):
        whole.append(decision)
        if draw(st.booleans()):
            plain.append(decision)
        else:
            whole.append({**decision, "action": "undo", "label": None})
    return whole, plain


@settings(max_examples=60, deadline=None)
@given(logs_with_undo())
def test_undo_leaves_no_trace(logs):
    whole, plain = (replay(parse(log), INDEX) for log in logs)
    assert whole == plain
    pd.testing.assert_frame_equal(whole.patch().frame, plain.patch().frame)


def test_undo_withdraws_the_last_decision_of_that_person_on_that_row():
    log = [event(0, "drop"), event(0, "accept", "Bo"), event(0, "relabel", label="yes")]
    undone = replay(parse([*log, event(0, "undo")]), INDEX)
    assert undone.standing[0].decision.by == "Bo"
    assert replay(parse([*log, event(1, "undo")]), INDEX).standing[0].decision.label == "yes"


def test_last_reviewer_wins_and_the_dispute_is_told():
    log = [event(0, "drop", at="2026-02-01T00:00:00+00:00"), event(0, "accept", "Bo")]
    result = replay(parse(log), INDEX)
    assert result.standing[0].decision.action == "drop"  # by time, though earlier in the file
    assert result.disputed == [0]
    assert {r.name: r.decisions for r in result.reviewers} == {"Ana": 1, "Bo": 1}


def test_a_skip_does_not_overrule():
    result = replay(parse([event(0, "drop"), event(0, "skip", "Bo"), event(1, "skip")]), INDEX)
    assert result.standing[0].decision.action == "drop"
    assert result.skipped == {1}


@pytest.mark.parametrize(
    "change", [{"action": "destroy"}, {"row": "many"}, {"action": "relabel", "label": None}]
)
def test_an_event_that_says_nothing_valid_is_refused(change):
    with pytest.raises(ProjectError, match="line 1"):
        parse([{**event(0), **change}])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"row": "4"}, "row is '4'; expected a whole number"),
        ({"row": 4.5}, "row is 4.5"),
        ({"row": 4.0}, "row is 4.0"),
        ({"row": True}, "row is True"),
        ({"row": -3}, "row is -3"),
        ({"lable": "yes"}, "unknown key 'lable'"),
        ({"by": ""}, "by is ''"),
        ({"key": 12}, "key is 12"),
        ({"label": ["yes"]}, "label is ['yes']"),
        ({"at": "last Tuesday"}, "at: 'last Tuesday' is no time"),
        ({"at": "2026-05-05"}, "is no time"),
        ({"at": "2026-13-05T10:00:00Z"}, "is no time"),
        ({"action": "Accept"}, "unknown action 'Accept'"),
    ],
)
def test_a_line_of_wrong_values_is_located_in_every_place_that_reads_it(stage, change, said):
    queue = labels.open_queue(stage, by="Ana")
    queue.decide(queue.items[0].row, "drop")
    log = stage.file.decisions / "labels.jsonl"
    line = {**json.loads(log.read_text()), **change}
    log.write_text(f"{log.read_text()}\n{json.dumps(line)}\n")
    before = log.read_bytes()
    errors = set()
    for reads in (
        lambda: labels.record_decisions(stage),
        lambda: labels.open_queue(stage),
        lambda: queue.decide(queue.items[1].row, "drop"),
        lambda: load_part(stage, "train"),
    ):
        with pytest.raises(ProjectError) as caught:
            reads()
        errors.add(caught.value.line())
    (message,) = errors
    assert said in message and f"{log}, line 3: " in message
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    "change", [{"row": 3}, {"row": 10**12}, {"key": "0" * 32}, {"key": INDEX.key(2)}]
)
def test_a_row_counts_only_with_its_key(change):
    result = replay(parse([{**event(1, "drop"), **change}]), INDEX)
    assert not result.standing and len(result.misplaced) == 1


def test_a_row_s_copy_has_a_key_of_its_own():
    frame = pd.concat([FRAME, FRAME.iloc[[1]]], ignore_index=True)
    index = labels.RowIndex(frame, "t")
    told = {**event(1, "drop"), "row": 6}
    assert replay(parse([told]), index).misplaced
    assert set(replay(parse([{**told, "key": index.key(6)}]), index).standing) == {6}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-03-01T11:00:00+02:00", "2026-03-01T09:30:00+00:00"),
        ("2026-03-01T09:59:59Z", "2026-03-01T06:00:00-04:00"),
        ("2026-03-01T10:00:00.2Z", "2026-03-01T10:00:00.35+00:00"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:01+00:00"),
        ("2026-02-28T23:30:00-05:00", "2026-03-01T04:31:00Z"),
        ("20260301T100000Z", "2026-03-01 10:00:01+00:00"),
    ],
)
def test_times_compare_as_times(first, second):
    for by, other in (("Ana", "Bo"), ("Bo", "Ana")):
        log = [event(0, "accept", by, at=first), event(0, "drop", other, at=second)]
        for order in (log, log[::-1]):
            assert replay(parse(order), INDEX).standing[0].decision.action == "drop"


@pytest.mark.parametrize(
    ("change", "severity", "said"),
    [
        ({}, "ok", "1 row decided"),
        ({"row": 0}, "warning", "1 event, and no decision of them stands"),
        ({"table_digest": "other", "key": "1" * 32}, "warning", "no decision of them stands"),
        ({"action": "relabel", "label": "perhaps"}, "warning", "no decision of them stands"),
        ({"action": "relabel", "label": 1}, "warning", "no decision of them stands"),
        ({"action": "undo"}, "warning", "no decision of them stands"),
        (None, "warning", "No person reviewed the labels"),
    ],
)
def test_a_log_that_decides_nothing_does_not_read_as_no_review(stage, change, severity, said):
    queue = labels.open_queue(stage, by="Ana")
    row = queue.items[0].row if queue.items[0].row else queue.items[1].row
    queue.decide(row, "drop")
    log = stage.file.decisions / "labels.jsonl"
    log.write_text(json.dumps({**json.loads(log.read_text()), **(change or {})}) + "\n")
    if change is None:
        log.write_text("")
    review = labels.record_decisions(stage)
    (check,) = [c for c in review.checks if c.name == "Labels reviewed by people"]
    assert (check.severity, said in check.message) == (severity, True), check.message
    assert (review.events_digest is None) == (change is None)
    assert review.reviewed == len(stage.read(LabelPatch).frame) == (change == {})


def test_what_is_left_out_of_a_log_is_said(stage):
    queue = labels.open_queue(stage, by="Ana")
    queue.decide(queue.items[0].row, "drop")
    log = stage.file.decisions / "labels.jsonl"
    line = {**json.loads(log.read_text()), "at": "2026-03-01T10:00:00"}
    log.write_text(json.dumps(line) + '\n{"action": "dr')
    labels.record_decisions(stage)
    assert any("line 2: a crash cut it short" in note for note in stage.notes)
    assert any("without a zone are taken as UTC (1 of them)" in note for note in stage.notes)


@pytest.mark.parametrize("label", ["ten", "nan", "1e999", "", "1_000", "−"])
def test_a_relabel_to_no_number_is_refused(tmp_path, label):
    frame = binary_table(120)
    frame["y"] = frame["x"] * 2 + 1
    stage = make(tmp_path / "p", frame, task="regression")
    labels.score_labels(stage)
    queue = labels.open_queue(stage, by="Ana")
    queue.decide(queue.items[0].row, "relabel", 3.5)
    log = stage.file.decisions / "labels.jsonl"
    log.write_text(json.dumps({**json.loads(log.read_text()), "label": label}) + "\n")
    review = labels.record_decisions(stage)
    assert review.relabelled == 0 and stage.read(LabelPatch).frame.empty
    assert any("Not a label of this target" in check.message for check in review.checks)


def test_decisions_follow_their_rows_to_another_table(stage):
    queue = labels.open_queue(stage, by="Ana")
    first, second = queue.items[:2]
    queue.decide(first.row, "drop")
    queue.decide(second.row, "accept")
    frame = stage.read(Rows).frame
    frame.loc[second.row, "z"] += 1.0  # that row is another one now
    moved = pd.concat([frame.iloc[100:], frame.iloc[:100]], ignore_index=True)
    write_table(stage, moved, np.array(["train"] * len(moved)))
    review = labels.record_decisions(stage)
    patch = stage.read(LabelPatch).frame
    assert patch["row"].tolist() == [(first.row - 100) % len(frame)]
    (check,) = [c for c in review.checks if c.name == "Decisions find their rows"]
    assert "1 decision from an earlier table" in check.message


# -- the queue -----------------------------------------------------------------------


def test_decisions_reach_the_rows_that_models_see(stage):
    queue = labels.open_queue(stage, by="Ana")
    a, b, c = queue.items[:3]
    queue.decide(a.row, "relabel", a.suggested, "typing error")
    queue.decide(b.row, "drop")
    queue.decide(c.row, "accept")
    part = load_part(stage, "train", "validation", "test")
    assert dict(zip(part.rows, part.target, strict=True))[a.row] == a.suggested
    assert b.row not in part.rows
    assert dict(zip(part.rows, part.target, strict=True))[c.row] == c.given
    assert stage.read(Rows).frame["y"][a.row] == a.given, "the table itself is untouched"
    review = stage.read(LabelReview)
    assert (review.relabelled, review.dropped, review.accepted, review.reviewed) == (1, 1, 1, 3)
    assert review.events_digest is not None
    assert stage.read(LabelPatch).frame["reason"].tolist().count("typing error") == 1


def test_headless_replay_gives_the_same_files(stage, tmp_path):
    queue = labels.open_queue(stage, by="Ana")
    for item, action in zip(queue.items, ("accept", "drop", "skip"), strict=False):
        queue.decide(item.row, action)
    queue.undo()
    clicked = [(stage.run.folder / k.file).read_bytes() for k in (LabelPatch, LabelReview)]
    labels.score_labels(stage)
    replayed = [(stage.run.folder / k.file).read_bytes() for k in (LabelPatch, LabelReview)]
    assert clicked == replayed


def test_a_click_after_finish_keeps_the_record_true(stage):
    from toolkit.run import is_current

    queue = labels.open_queue(stage, by="Ana")
    labels.record_decisions(stage)
    stage.finish()
    assert is_current("label_review", stage.run, stage.file)
    queue.decide(queue.items[0].row, "drop")
    assert queue.message == ""
    assert is_current("label_review", stage.run, stage.file)
    assert stage.run.read(LabelReview).dropped == 1


def test_the_next_session_goes_on_where_the_last_one_stopped(stage):
    queue = labels.open_queue(stage, by="Ana")
    queue.decide(queue.items[0].row, "skip")
    queue.decide(queue.items[1].row, "accept")
    log = stage.file.decisions / "labels.jsonl"
    with log.open("a") as stream:
        stream.write('{"at": "2026-01-0')  # the power went off here
    again = labels.open_queue(stage, by="Bo")
    assert again.next().row == queue.items[2].row
    again.decide(queue.items[2].row, "drop")
    assert [json.loads(line)["action"] for line in log.read_text().splitlines() if "by" in line]
    with pytest.raises(UsageError):
        again.decide(queue.items[3].row, "relabel", "perhaps")


# -- the panel and the figures ----------------------------------------------------------


def test_keys_and_buttons_decide(stage):
    queue = labels.open_queue(stage, by="Ana")
    panel = LabelPanel(stage, queue)
    first = panel.item
    panel.key_field.value = "a"
    assert queue.decision(first.row).action == "accept"
    assert panel.item.row != first.row
    second = panel.item
    panel.buttons["relabel"].click()
    assert queue.decision(second.row).label == second.suggested
    third = panel.item
    panel.key_field.value = "as"
    panel.key_field.value = "asd?x"
    assert third.row in queue.replay.skipped
    for _ in range(9):
        panel.press("u")
    assert not queue.replay.standing
    digit = queue.classes.index(str(panel.item.suggested)) + 1
    row = panel.item.row
    panel.press(str(digit))
    assert queue.decision(row).action == "relabel"


def test_a_digit_for_the_given_class_accepts(stage):
    panel = LabelPanel(stage, labels.open_queue(stage, by="Ana"))
    item = panel.item
    panel.press(str(panel.queue.classes.index(str(item.given)) + 1))
    assert panel.queue.decision(item.row).action == "accept"


def test_the_filter_shows_one_class(stage):
    panel = LabelPanel(stage, labels.open_queue(stage, by="Ana"))
    for name in ("yes", "no"):
        panel.filter.value = name
        assert panel.item is None or panel.item.given == name


def test_readers_without_a_kernel_see_the_queue(stage):
    panel = LabelPanel(stage, labels.open_queue(stage, by="A<b>na"))
    panel.press("a")
    page = panel._repr_mimebundle_()["text/html"]
    assert "accepted by A&lt;b&gt;na" in page
    assert "<script>" not in page
    assert "red<script>" not in panel._card.value


def test_an_empty_queue_says_so(stage):
    stage.file.set("labels.review", 0)
    panel = LabelPanel(stage, labels.open_queue(stage, by="Ana"))
    assert panel.item is None
    panel.press("a")
    assert "Nothing is queued" in panel._card.value
    assert "labels.review is 0" in panel._card.value


def test_figures_say_what_they_show(scored):
    artifact = scored[0].read(LabelScores)
    assert str(scored[1].issues) in figures.scores(artifact).alt
    assert "given" in figures.confusion(artifact).alt
    assert "%" in figures.by_class(artifact).alt
