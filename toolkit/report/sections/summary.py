"""Summary: one box for each verdict that a reader looks for first."""

from __future__ import annotations

from toolkit.artifacts import Champion, Evaluation, LabelReview, Quality
from toolkit.artifacts.base import Facts
from toolkit.artifacts.report import Gap
from toolkit.labels.checks import uncertain
from toolkit.report import blocks
from toolkit.report.book import Book
from toolkit.report.words import greater_is_better, metric_title, metric_unit


def build(book: Book, gaps: list[Gap], degraded: int) -> Facts:
    """Return the section.

    Parameters
    ----------
    book : Book
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
        _data(book),
        _labels(book),
        _gaps(book, gaps),
        _degraded(book, degraded),
    ]
    return blocks.section(
        "summary",
        "Summary",
        [
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


def against_constant(found: Evaluation) -> tuple[str, str]:
    """Return status and word for the champion beside a constant guess.

    The evaluation compares the two row by row, which sees smaller differences than the
    interval of the score alone; only without its verdict does that interval decide.
    """
    score, guess = found.metrics[found.metric], found.constant.get(found.metric)
    if score.value is None:
        return "gap", "not measured"
    if guess is None:
        return "info", "no comparison"
    for check in found.checks:
        if check.name == "Better than a constant guess":
            return _CONSTANT[check.severity]
    sign = 1 if greater_is_better(found.metric) else -1
    ends = [sign * (score.value if end is None else end) for end in (score.low, score.high)]
    clear, worse = min(ends) > sign * guess, max(ends) < sign * guess
    return _CONSTANT["ok" if clear else "critical" if worse else "warning"]


_CONSTANT = {
    "ok": ("good", "better than a constant guess"),
    "info": ("caution", "not clearly better than a constant guess"),
    "warning": ("caution", "not clearly better than a constant guess"),
    "critical": ("bad", "worse than a constant guess"),
}


def _quality_of_model(book: Book) -> Facts:
    found = book.get(Evaluation)
    if found is None or found.metric not in found.metrics:
        return blocks.box("Model on test rows", "gap", "not tested", ["Run 05_explain.ipynb."])
    name = found.metric
    unit = metric_unit(name)
    kind, word = against_constant(found)
    lines: list[list[blocks.Cell]] = [
        [f"{metric_title(name)}: ",
         book.cite(Evaluation, "metrics", name, unit=unit, recipe=f"test_metric({name})")]
    ]  # fmt: skip
    if found.constant.get(name) is not None:
        guess = book.cite(Evaluation, "constant", name, unit=unit, recipe=f"constant({name})")
        lines.append(["Constant guess: ", guess])
    return blocks.box("Model on test rows", kind, word, lines)


def _trust(book: Book) -> Facts:
    """Return a box on whether the search's own numbers can be believed."""
    found = book.get(Champion)
    label = "Honesty of the search"
    if found is None or found.canary is None:
        return blocks.box(label, "gap", "not checked", ["Run 04_automl.ipynb."])
    leaks = found.shuffled is not None and found.shuffled.better_than_chance
    lines: list[list[blocks.Cell]] = []
    if found.canary.optimism is not None:
        optimism = book.cite(Champion, "canary", "optimism", unit="change",
                             recipe=f"canary({found.canary.metric})")  # fmt: skip
        lines.append([optimism, f" optimism ({metric_title(found.canary.metric)})"])
    lines.append(
        ["Shuffled labels: " + ("better than chance" if leaks else "nothing found")]
        if found.shuffled
        else ["Shuffled labels: not tried"]
    )
    if found.conformal is not None:
        measured = book.cite(Champion, "conformal", "measured", unit="share", recipe="conformal")
        asked = book.cite(Champion, "conformal", "coverage", unit="share", recipe="choice")
        lines.append(["Coverage ", measured, " of ", asked])
    if leaks:
        return blocks.box(label, "bad", "something leaks", lines)
    if not found.canary.explained:
        if (found.canary.optimism or 0) > 0:
            return blocks.box(label, "bad", "selection too optimistic", lines)
        return blocks.box(label, "info", "canary rows score better", lines)
    return blocks.box(label, "good", "confirmed on canary rows", lines)


def _tally(book: Book, name: str, words: list[str], order: list[tuple[str, str]]) -> Facts:
    """Return a box that counts verdicts, under the worst of them."""
    present = [(word, kind) for word, kind in order if word in words]
    word, kind = present[0]
    lines: list[list[blocks.Cell]] = [
        [_count(book, f"{name}/{each}", words.count(each), Evaluation.file,
                f"count(verdict={each})", f"/{name}"), f" {each}"]
        for each, _ in present
    ]  # fmt: skip
    return blocks.box(name.capitalize(), kind, word, lines)


def _acceptance(book: Book) -> Facts:
    found = book.get(Evaluation)
    if not book.project.acceptance:
        return blocks.box("Acceptance", "gap", "no limits set", ["Set them in 01_scoping.ipynb."])
    if found is None or not found.acceptance:
        return blocks.box("Acceptance", "gap", "not judged", ["Run 05_explain.ipynb."])
    order = [("missed", "bad"), ("unclear", "caution"), ("met", "good")]
    return _tally(book, "acceptance", [each.verdict for each in found.acceptance], order)


def _fairness(book: Book) -> Facts:
    found = book.get(Evaluation)
    if found is None:
        return blocks.box("Fairness", "gap", "not judged", ["Run 05_explain.ipynb."])
    if not book.project.protected():
        kind = "info" if book.project.fairness.people_affected is False else "gap"
        return blocks.box("Fairness", kind, "not judged", ["No column is marked as protected."])
    if not found.fairness:
        return blocks.box("Fairness", "info", "not judged", ["No fairness metric applies."])
    order = [("beyond", "bad"), ("unclear", "caution"), ("not judged", "info"), ("within", "good")]
    return _tally(book, "fairness", [each.verdict for each in found.fairness], order)


def _data(book: Book) -> Facts:
    quality = book.get(Quality)  # what the intake and the split found is in it
    if quality is None:
        return blocks.box("Data", "gap", "not checked", ["Run 02_eda.ipynb."])
    severities = [check.severity for check in quality.checks]
    critical, warnings = severities.count("critical"), severities.count("warning")
    kind, word = ("bad", "critical findings") if critical else ("good", "no serious findings")
    if warnings and not critical:
        kind, word = "caution", "warnings"
    source = Quality.file
    return blocks.box(
        "Data",
        kind,
        word,
        [
            [_count(book, "data/critical", critical, source, "count(severity=critical)", "/checks"),
             " critical"],
            [_count(book, "data/warnings", warnings, source, "count(severity=warning)", "/checks"),
             f" warning{'' if warnings == 1 else 's'}"],
        ],
    )  # fmt: skip


def _labels(book: Book) -> Facts:
    review = book.get(LabelReview)
    if review is None:
        return blocks.box("Labels", "gap", "not searched", ["Run 03_label_review.ipynb."])
    issues = book.cite(LabelReview, "issues", unit="count", recipe="labels")
    found = " labels are uncertain" if uncertain(review) else " labels look wrong"
    lines: list[list[blocks.Cell]] = [[issues, found]]
    if not review.reviewed and review.events_digest is None:
        return blocks.box("Labels", "gap", "no person reviewed them", lines)
    if not review.reviewed:
        return blocks.box("Labels", "caution", "no decision stands", lines)
    reviewed = book.cite(LabelReview, "reviewed", unit="count", recipe="labels")
    word = "reviewed by people" if review.reviewed >= review.queued else "partly reviewed"
    return blocks.box("Labels", "info", word, [*lines, [reviewed, " reviewed by people"]])


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
