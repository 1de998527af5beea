"""Summary: one box for each verdict that a reader looks for first."""

from __future__ import annotations

from toolkit import paths
from toolkit.artifacts import (
    Champion,
    Evaluation,
    Explanation,
    Feasibility,
    LabelReview,
    Profile,
    Quality,
    Robustness,
    Shuffled,
)
from toolkit.artifacts.base import Facts, JsonArtifact
from toolkit.artifacts.report import Gap
from toolkit.labels.checks import uncertain
from toolkit.report import blocks
from toolkit.report.book import Book
from toolkit.report.verdict.inputs import (
    AREAS,
    against_constant,
    checks_of,
    enough_rows,
    named,
    of_one_class,
    unjudged,
)
from toolkit.report.words import metric_title, metric_unit

Lines = list[list[blocks.Cell]]


def build(book: Book, verdict: Facts, gaps: list[Gap], degraded: int) -> Facts:
    """Return the section.

    Parameters
    ----------
    book : Book
    verdict : dict
        The block of the verdict.
    gaps : list of Gap
        What people still have to say.
    degraded : int
        How many notes and stale results there are.
    """
    question = book.project.problem.question.strip()
    boxes = [
        _champion(book),
        _quality_of_model(book),
        _trust(book),
        _acceptance(book),
        _fairness(book),
        _area(book, "feasibility", Feasibility, "Feasibility"),
        _area(book, "data", Quality, "Data"),
        _labels(book),
        _area(book, "robustness", Robustness, "Robustness"),
        _area(book, "explanation", Explanation, "Explanation"),
        _gaps(book, gaps),
        _degraded(book, degraded),
    ]
    return blocks.section(
        "summary",
        "Summary",
        [
            verdict,
            blocks.prose(question)
            if question
            else book.open_question("problem.question", "The question was not stated"),
            blocks.boxes(boxes),
        ],
    )


def _count(  # noqa: PLR0917
    book: Book, name: str, value: int, source: str, recipe: str, place: str = ""
) -> Facts:
    return book.derive(name, value, unit="count", source=source, place=place, recipe=recipe)


def _champion(book: Book) -> Facts:
    found = book.get(Champion)
    if found is None:
        return blocks.box("Champion", "gap", "not chosen", ["Run 04_automl.ipynb."])
    how = "chosen by a person" if found.rule == "by hand" else "taken by rule, on out-of-fold rows"
    return blocks.box("Champion", "info", found.name, [f"{found.family} ({found.engine})", how])


_STANDING = {
    "better": ("good", "better than a constant guess"),
    "unclear": ("caution", "not clearly better than a constant guess"),
    "worse": ("bad", "worse than a constant guess"),
    "unknown": ("caution", "cannot be judged"),
}


def _quality_of_model(book: Book) -> Facts:
    found = book.get(Evaluation)
    label = "Model on test rows"
    if found is None or found.metric not in found.metrics:
        return blocks.box(label, "gap", "not tested", ["Run 05_evaluate.ipynb."])
    name, standing = found.metric, against_constant(found)
    kind, word = _STANDING[standing]
    if standing == "unclear" and enough_rows(found):
        kind, word = "bad", "no better than a constant guess"
    if standing == "better" and _may_leak(book):
        kind, word = "caution", "better than a constant guess, perhaps by a leak"
    unit = metric_unit(name)
    lines: Lines = [
        [f"{metric_title(name)}: ",
         book.cite(Evaluation, "metrics", name, unit=unit, recipe=f"test_metric({name})")]
    ]  # fmt: skip
    if found.constant.get(name) is not None:
        guess = book.cite(Evaluation, "constant", name, unit=unit, recipe=f"constant({name})")
        lines.append(["Constant guess: ", guess])
    if of_one_class(found):
        lines.append(["All test rows are of one class."])
    return _with_checks(book, "test", blocks.box(label, kind, word, lines))


def _may_leak(book: Book) -> bool:
    profile = book.get(Profile)
    return profile is not None and bool(profile.unresolved)


def _trust(book: Book) -> Facts:
    """Return a box on whether the search's own numbers can be believed."""
    found = book.get(Champion)
    label = "Validity of the search"
    if found is None or found.holdout is None:
        return blocks.box(label, "gap", "not checked", ["Run 04_automl.ipynb."])
    holdout, tried = found.holdout, found.shuffled
    rows: list[blocks.Cell] = [
        " on ", book.cite(Champion, "holdout", "rows", unit="count", recipe="split"),
        " holdout rows"
    ]  # fmt: skip
    optimism: list[blocks.Cell] = ["Optimism: not defined"]
    if holdout.optimism is not None:
        claim = book.cite(Champion, "holdout", "optimism", unit="change",
                          recipe=f"holdout({holdout.metric})")  # fmt: skip
        optimism = [claim, f" optimism ({metric_title(holdout.metric)})"]
    lines: Lines = [
        optimism + rows + [": too few to judge"] * holdout.few,
        [_on_shuffled(tried)],
    ]
    if found.conformal is not None:
        measured = book.cite(Champion, "conformal", "measured", unit="share", recipe="conformal")
        asked = book.cite(Champion, "conformal", "coverage", unit="share", recipe="choice")
        lines.append(["Coverage ", measured, " of ", asked])
    return _with_checks(book, "search", blocks.box(label, *_validity(book, found), lines))


def _on_shuffled(tried: Shuffled | None) -> str:
    if tried is None:
        return "Shuffled labels: not tried"
    result = "better than chance" if tried.better_than_chance else "nothing found"
    return f"Shuffled labels, {tried.model or 'model not recorded'}: {result}"


def _validity(book: Book, found: Champion) -> tuple[str, str]:
    """Return status and word for the search's own numbers."""
    tested, holdout = book.get(Evaluation), found.holdout
    if found.shuffled is not None and found.shuffled.better_than_chance:
        return "bad", "better than chance on shuffled labels"
    if tested is not None and against_constant(tested) in ("unclear", "worse"):
        kind = "bad" if against_constant(tested) == "worse" or enough_rows(tested) else "caution"
        sure = "no better than a constant guess"
        return kind, sure if kind == "bad" else "not clearly better than a constant guess"
    if holdout is None or unjudged(holdout):
        return "caution", "cannot be judged"
    if not holdout.explained:
        if (holdout.optimism or 0) > 0:
            return "bad", "selection too optimistic"
        return "info", "holdout rows score better"
    if found.shuffled is None:
        return "caution", "partly checked"
    if _may_leak(book):
        return "caution", "confirmed on holdout rows, which may share a leak"
    return "good", "confirmed on holdout rows"


def _tally(book: Book, name: str, words: list[str], order: list[tuple[str, str]]) -> Facts:
    """Return a box that counts verdicts, under the worst of them."""
    present = [(word, kind) for word, kind in order if word in words]
    word, kind = present[0]
    lines: Lines = [
        [_count(book, f"{name}/{each}", words.count(each), Evaluation.file,
                f"count(verdict={each})", f"/{name}"), f" {each}"]
        for each, _ in present
    ]  # fmt: skip
    return blocks.box(name.capitalize(), kind, word, lines)


def _with_checks(book: Book, area: str, box: Facts) -> Facts:
    """Return a box with the checks of its area counted, and no better than the worst of them."""
    found, source = checks_of(book, area), AREAS[area][0].file
    kind, word = box["status"], box["word"]
    lines: Lines = []
    for severity, plural, worst in (
        ("critical", "critical", "bad"), ("warning", "warnings", "caution")
    ):  # fmt: skip
        those = [check.name for check in found if check.severity == severity]
        claim = _count(book, f"{area}/{plural}", len(those), source,
                       f"count(severity={severity})", "/checks")  # fmt: skip
        text = f" {severity if len(those) == 1 else plural}"
        lines.append([claim, f"{text}: {named(those)}" if those else text])
        if those and _ORDER.index(worst) < _ORDER.index(kind):
            if kind == "good" and "finding" not in word:
                word += ", with critical findings" if worst == "bad" else ", with warnings"
            kind = worst
    if all(len(line[-1]) < 10 for line in lines):  # nothing is named: one line is enough
        lines = [[*lines[0], ", ", *lines[1]]]
    return {**box, "status": kind, "word": word, "lines": [*box["lines"], *lines]}


_ORDER = ("bad", "caution", "gap", "info", "good")
"""Statuses of boxes, the worst first."""


def _acceptance(book: Book) -> Facts:
    found = book.get(Evaluation)
    if not book.project.acceptance:
        return blocks.box("Acceptance", "gap", "no limits set", ["Set them in 01_scoping.ipynb."])
    if found is None or not found.acceptance:
        return blocks.box("Acceptance", "gap", "not judged", ["Run 05_evaluate.ipynb."])
    order = [
        ("missed", "bad"), ("cannot be judged", "caution"), ("unclear", "caution"), ("met", "good")
    ]  # fmt: skip
    return _tally(book, "acceptance", [each.verdict for each in found.acceptance], order)


def _fairness(book: Book) -> Facts:
    found = book.get(Evaluation)
    affected = book.project.fairness.people_affected
    if found is None:
        return blocks.box("Fairness", "gap", "not compared", ["Run 05_evaluate.ipynb."])
    if affected is False and not found.fairness:
        box = blocks.box("Fairness", "info", "not asked", ["No people are affected."])
    elif not found.fairness:
        why = "No fairness metric applies."
        if not book.project.protected():
            why = "No column is marked as protected."
        box = blocks.box("Fairness", "caution", "cannot be judged", [why])
    else:
        order = [
            ("beyond", "bad"), ("cannot be judged", "caution"), ("unclear", "caution"),
            ("within", "good"),
        ]  # fmt: skip
        box = _tally(book, "fairness", [each.verdict for each in found.fairness], order)
    return _with_checks(book, "fairness", box)


def _area(book: Book, area: str, kind: type[JsonArtifact], label: str) -> Facts:
    """Return a box for a part of the run that says all it has to say in checks."""
    if book.get(kind) is None:
        where = paths.notebook_name(kind.stage)
        return blocks.box(label, "gap", "not checked", [f"Run {where}."])
    severities = {check.severity for check in checks_of(book, area)}
    kind_word = ("good", "no serious findings")
    if "critical" in severities:
        kind_word = ("bad", "critical findings")
    elif "warning" in severities:
        kind_word = ("caution", "warnings")
    return _with_checks(book, area, blocks.box(label, *kind_word, []))


def _labels(book: Book) -> Facts:
    review = book.get(LabelReview)
    if review is None:
        return blocks.box("Labels", "gap", "not searched", ["Run 03_label_review.ipynb."])
    issues = book.cite(LabelReview, "issues", unit="count", recipe="labels")
    found = " labels are uncertain" if uncertain(review) else " labels look wrong"
    lines: Lines = [[issues, found]]
    if not review.reviewed and review.events_digest is None:
        kind, word = "gap", "no person reviewed them"
    elif not review.reviewed:
        kind, word = "caution", "no decision stands"
    else:
        reviewed = book.cite(LabelReview, "reviewed", unit="count", recipe="labels")
        lines.append([reviewed, " reviewed by people"])
        all_of_them = review.reviewed >= review.queued
        kind, word = "info", "reviewed by people" if all_of_them else "partly reviewed"
    return _with_checks(book, "labels", blocks.box("Labels", kind, word, lines))


def _gaps(book: Book, gaps: list[Gap]) -> Facts:
    required = sum(gap.required for gap in gaps)
    optional = len(gaps) - required
    kind, word = ("bad", "incomplete") if required else ("good", "complete")
    place = "/gaps"
    return blocks.box(
        "What people must say",
        kind,
        word,
        [
            [_count(book, "gaps/required", required, "report.json", "count(required)", place),
             " required answers open"],
            [_count(book, "gaps/recommended", optional, "report.json", "count(not required)",
                    place), " recommended answers open"],
        ],
    )  # fmt: skip


def _degraded(book: Book, degraded: int) -> Facts:
    line: list[blocks.Cell] = [
        _count(book, "notes", degraded, "run.json", "count(notes and stale results)", "/stages"),
        f" note{'' if degraded == 1 else 's'}, under Limitations",
    ]
    word = "something was skipped" if degraded else "nothing was skipped"
    return blocks.box("Completeness of the run", "caution" if degraded else "good", word, [line])
