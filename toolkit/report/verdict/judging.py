"""Whether the model is fit for the stated use: every rule is asked, and the worst answer counts."""

from __future__ import annotations

import re

from toolkit.artifacts import Evaluation, Verdict, VerdictFinding
from toolkit.artifacts.base import Facts
from toolkit.report import blocks, formats
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.verdict.case import Case
from toolkit.report.verdict.inputs import class_rows, positive_class
from toolkit.report.verdict.rules import RULES, Rule

_STATUS = {"fit for the stated use": "good", "not shown": "caution", "do not use": "bad"}
_PLACE = re.compile(r"\{(\w+)\}")


def judge(book: Book, outdated: list[tuple[str, str]]) -> tuple[Verdict, Facts]:
    """Return the verdict, and the block that shows it.

    Parameters
    ----------
    book : Book
        What is known of the run.
    outdated : list of (stage, reason)
        Stages whose results do not follow from today's choices and files.
    """
    case = Case(book, outdated)
    spoken = [(rule, sentence) for rule in RULES if (sentence := _ask(rule, case))]
    spoken.sort(key=lambda item: item[0].verdict != "do not use")  # otherwise in their order
    findings = [
        VerdictFinding(
            rule=rule.name, input=rule.input, verdict=rule.verdict, sentence=text(book, cells)
        )
        for rule, cells in spoken
    ]
    words = {finding.verdict for finding in findings}
    word = "fit for the stated use" if not words else "not shown"
    rows = book.get(Evaluation)
    positive = positive_class(book)
    verdict = Verdict.model_validate(
        {
            "word": "do not use" if "do not use" in words else word,
            "findings": findings,
            "test_rows": rows.rows if rows else None,
            "positives": class_rows(rows).get(positive, None) if rows and positive else None,
        }
    )
    return verdict, _shown(book, verdict, spoken)


def text(book: Book, cells: list[Cell]) -> str:
    """Return cells as one plain text."""
    parts = []
    for cell in cells:
        if isinstance(cell, str):
            parts.append(cell)
            continue
        claim = book.claims[cell["claim"]]
        ends = formats.interval(claim)
        parts.append(formats.main(claim) + (f" ({ends})" if ends else ""))
    return "".join(parts)


def _ask(rule: Rule, case: Case) -> list[Cell]:
    """Return a rule's sentence; empty where it has nothing to say."""
    found = rule.find(case)
    if found is None:
        return []
    cells: list[Cell] = []
    for place, part in enumerate(_PLACE.split(rule.sentence)):
        value = found[part] if place % 2 else part
        cells += value if isinstance(value, list) else [value]
    return [cell for cell in cells if cell != ""]


def _shown(book: Book, verdict: Verdict, spoken: list[tuple[Rule, list[Cell]]]) -> Facts:
    deciding = spoken[: len(verdict.deciding)]
    block: Facts = {
        "type": "verdict",
        "status": _STATUS[verdict.word],
        "word": verdict.word,
        "rows": _rows(book, verdict),
        "findings": [_line(rule, cells) for rule, cells in deciding],
        "more": [_line(rule, cells) for rule, cells in spoken[len(deciding) :]],
    }
    if verdict.fit:
        asked = book.derive("verdict/rules", len(RULES), unit="count", source="report.json",
                            place="/verdict", recipe="count(rules)")  # fmt: skip
        block["findings"] = [
            {"rule": "", "verdict": {}, "cells": ["None of the ", asked,
             " rules of the verdict found anything against it."]}
        ]  # fmt: skip
    return block


def _line(rule: Rule, cells: list[Cell]) -> Facts:
    status = "bad" if rule.verdict == "do not use" else "caution"
    return {"rule": rule.name, "verdict": blocks.status(status, rule.verdict), "cells": cells}


def _rows(book: Book, verdict: Verdict) -> list[Cell]:
    """Return how many rows the verdict rests on."""
    found = book.get(Evaluation)
    if found is None:
        return ["No test rows"]
    cells: list[Cell] = [
        book.cite(Evaluation, "rows", unit="count", recipe="split"),
        " test rows" if found.rows != 1 else " test row",
    ]
    rows, positive = class_rows(found), positive_class(book)
    if verdict.positives is not None and positive is not None:
        name, word, count = positive, "positive", verdict.positives
    elif len(rows) > 2:
        name = min(rows, key=lambda each: (rows[each], each))
        word, count = "of the rarest class", rows[name]
    else:
        return cells
    claim = book.derive("verdict/positives" if word == "positive" else "verdict/rarest", count,
                        unit="count", source=Evaluation.file, place="/confusion",
                        recipe="confusion")  # fmt: skip
    return [*cells, ", ", claim, f" {word} ({name})"]
