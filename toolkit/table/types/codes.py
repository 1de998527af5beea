"""Which columns are codes or words though many cells look like numbers, or like gaps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.table import column_names
from toolkit.table.cells import amounts, values
from toolkit.table.cells.notes import Notes, listed, several
from toolkit.table.column_names import word_set

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.table.cells.decimal_marks import TableMarks
    from toolkit.table.cells.values import Cells

_CODE = re.compile(
    r"(?P<letters>[^\W\d_]{1,4})[-. /]?\d[\w.\-/]*|\d[\d.\-/]*(?P<last>[^\W\d_]{1,3})\w*"
)
_LEADING_ZERO = re.compile(r"0\d+(\.\d+)?")
_POWER = re.compile(r"\d+[eE]\d+")
_ADDRESS = re.compile(r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}")
_MISREAD = frozenset("oOlI")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
_PLAIN = r"^[+-]?[0-9]+([.,][0-9]+)?([eE][+-][0-9]+)?$"
"""What `_NUMBER` matches in ASCII, and `_POWER` does not."""
_MAY_BE_LETTER = r"[^\x00-@\[-`{-\x7f]"
_MANY = 3
_MOST_DIGITS = 15
DIGITS = "leading zeros, or more digits than a number holds"
_OFTEN = 0.01
_ANSWER = 0.05
ANSWERS = ("None", "NA", "N/A", "n/a")
"""Spellings of a missing value that may be an answer: no veneer, Namibia, not applicable."""


def coded(name: str, found: Cells) -> str:
    """Return why a column holds codes, not amounts; empty if it does not.

    0, 1 and 12345 are amounts; 00123 and 16 digits are not, nor what is named a code, nor
    numbers among which letters stand by system, as in ``250.83`` and ``V57``.
    """
    first = found.head(20)
    if column_names.code(name) and _named(name, found.texts):
        return "the name"
    if isinstance(found.distinct, np.ndarray):
        # Numbers are written without zeros before them, and with no letters but those of a power.
        most = np.float64(2**53 if found.distinct.dtype.kind == "f" else 2**64)
        digits = (found.distinct >= 0) & (found.distinct < most)
        whole = digits.all() and bool((found.distinct == np.round(found.distinct)).all())
        return DIGITS if whole and found.distinct.max() >= 10**_MOST_DIGITS else ""
    texts = found.texts
    if all(text.isdecimal() for text in first) and all(t.isdecimal() for t in texts):
        odd = any((t.startswith("0") and len(t) > 1) or len(t) > _MOST_DIGITS for t in texts)
        return DIGITS if odd else ""
    if all(_ADDRESS.fullmatch(text) for text in first) and all(map(_ADDRESS.fullmatch, texts)):
        return "addresses of machines"
    # Patterns of RE2 narrow down which texts are worth a closer look.
    zeros = any(_LEADING_ZERO.fullmatch(text) for text in found.held("^0[^.]"))
    lettered = any(text.lower() != text.upper() for text in found.held(_MAY_BE_LETTER))
    if not zeros and not lettered:
        return ""
    plain = found.like(_PLAIN)
    numeric = plain.any() or any(_NUMBER.fullmatch(text) for text in texts)
    if zeros and not lettered and all(t[0].isdecimal() for t in texts):
        rest = found.words.filter(~plain).to_pylist()
        if all(map(_NUMBER.fullmatch, rest)):
            return "leading zeros"
    return _lettered(found, plain, zeros) if lettered and numeric else ""


def _named(name: str, texts: list[str]) -> bool:
    if column_names.classification(name):
        if not any(re.fullmatch(r"\+?[\d.\-/() ]+", text) for text in texts):
            return False  # words: a category without this
        shaped = [bool(re.fullmatch(r"\+?[\w.\-/() ]*\d[\w.\-/() ]*", text)) for text in texts]
    else:
        shaped = [text.isdecimal() for text in texts]
    return bool(np.mean(shaped) > 0.5)


def _lettered(found: Cells, plain: np.ndarray, zeros: bool) -> str:
    """Tell letters that belong to a code from dirt, units and misread digits.

    `plain` says which texts are numbers, and no power such as 1E5: not all of them.
    """
    codes, powers, suffixes = [], [], set()
    widths, rows, other, prefixed = set(_lengths(found.words, plain)), 0, 0, False
    places = np.flatnonzero(~plain)
    rest = zip(found.words.take(places).to_pylist(), found.counts[places].tolist(), strict=True)
    for text, count in rest:
        match = _CODE.fullmatch(text)
        if _POWER.fullmatch(text):
            powers.append(text)
        elif _NUMBER.fullmatch(text):
            widths.add(len(text))
        elif match and (match["letters"] or not _misread(text)):
            codes.append(text)
            rows += count
            prefixed |= bool(match["letters"]) or not text.endswith(match["last"])
            suffixes.add((match["last"] or "").casefold())
        elif text.casefold() not in column_names.MISSING_WORDS:
            other += 1
    if powers and not codes:
        same = len(widths) == 1 and widths == {len(text) for text in powers}
        return f"words of one length, as {powers[0]!r}" if same else ""
    if not codes or other > len(codes):
        return ""
    if not prefixed and (
        len(suffixes) == 1
        or suffixes <= amounts.MULTIPLES.keys()
        or all(amounts.known(word) for word in suffixes)
    ):
        return ""  # units
    fixed = len(widths | {len(text) for text in codes}) == 1
    if len(codes) >= _MANY or zeros or fixed or rows >= max(5, _OFTEN * found.counts.sum()):
        return f"letters among the digits, as in {codes[0]!r}"
    return ""


def _lengths(words: Any, which: np.ndarray) -> list[int]:
    import pyarrow.compute as pc

    return pc.unique(pc.utf8_length(words.filter(which))).to_pylist()


def _misread(text: str) -> bool:
    """Whether the only letters are those that stand for a digit that was read wrong."""
    return {sign for sign in text if sign.isalpha()} <= _MISREAD


# -- words that are an answer or a gap ---------------------------------------------------


def answers(
    name: str, raw: Cells, table: TableMarks, notes: Notes, *, category: bool = True
) -> list[str]:
    """Return the words such as ``None`` that are levels of a column of words, and say so.

    Parameters
    ----------
    name : str
        The column.
    raw : Cells
        Its cells, in which these words are not taken for missing.
    table : TableMarks
        Whether columns of numbers spell their gaps so.
    category : bool
        Whether the column is one of words; in others these words are missing, which is said.
    notes : Notes
        What is kept, and what is not, is said here.
    """
    counts = dict(zip(raw.texts, raw.counts.tolist(), strict=True))
    levels = [text for text in raw.texts if text not in values.MISSING]
    blanks = raw.missing + sum(
        counts.get(word, 0) for word in values.MISSING if word not in ANSWERS
    )
    worded = sum(any(sign.isalpha() for sign in level) for level in levels) >= 0.5 * len(levels)
    kept = []
    for word in ANSWERS:
        count = counts.get(word, 0)
        if not count or not levels:
            continue
        letters = word == "NA" and _two_letters(name, levels)
        often = count >= _ANSWER * len(raw.codes)
        gap = table.numbers_say(word)
        level = letters or word == "None" or (often and blanks <= 0.1 * count and not gap)
        if word == "NA" and not letters and len(levels) > 2 and set(levels) <= _STATES:
            level = False  # no state is called so
        if not category or not worded or (word == "None" and gap and not often):
            level = False
        doubtful = not category and word != "NA" and often and blanks <= 0.1 * count and not gap
        sure = level and word == "None" and often and blanks <= 0.1 * count and not gap
        if level:
            kept.append(word)
            as_what = "a level of its own"
            remedy = (
                f"If nothing is known there, remove columns.{name}.missing (its absence means the"
                " usual spellings)"
            )
        else:
            as_what = "missing"
            remedy = (
                f"If it is an answer, set columns.{name}.missing to the spellings that mean"
                " missing, such as [] for blanks alone"
            )
        if letters:
            sure = level
            as_what = "a code of two letters like the others (Namibia, North America), not missing"
        beside = f", beside {blanks} blank cells" if blanks else ""
        notes.say(
            "Words that may mean missing" if not sure else f"{word} as a level",
            f"{count} of {len(raw.codes)} cells of {name!r} ({count / len(raw.codes):.1%}) say"
            f" {word}{beside}; this is read as {as_what}.",
            name,
            remedy,
            severity="warning" if doubtful or (level and not sure) else "info",
        )
    return kept


_STATES = word_set(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM"
    " NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR GU VI AS MP"
)
_CONTINENTS = word_set("AF AN AS EU OC SA")
_LANDS = word_set("country countries nation land pays pais paese iso iso2 alpha2 cc")


def _two_letters(name: str, levels: list[str]) -> bool:
    """Whether NA is one of the codes of two letters that a column holds: of countries mostly.

    No American state is called NA, unless the name says that these are countries.
    """
    if not all(re.fullmatch(r"[A-Z]{2}", level) for level in levels):
        return False
    said = bool(_LANDS & set(column_names.words(name)))
    if len(levels) >= 2 and (said or set(levels) <= _CONTINENTS):
        return True
    return len(levels) >= 5 and not set(levels) <= _STATES


def spelled(series: pd.Series) -> dict[str, int]:
    """Return the words in a column of texts that are read as missing, each with its cells."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(series.dtype, pd.StringDtype) and series.dtype != object:
        return {}
    try:
        texts = pa.array(series, pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return {}
    texts = pc.utf8_trim_whitespace(texts)
    words = pa.array([word for word in values.MISSING if word], pa.large_string())
    counts = pc.value_counts(texts.filter(pc.is_in(texts, value_set=words)))
    return {each["values"]: each["counts"] for each in counts.to_pylist()}


# -- sister columns ------------------------------------------------------------------------


def sisters(columns: dict[str, Column], frame: pd.DataFrame, notes: Notes) -> None:
    """Give columns that are named alike and hold the same codes one type, and say so."""
    families: dict[str, list[str]] = {}
    for name, column in columns.items():
        stem = column_names.stem(name)
        if stem and column.role == "feature" and column.type in ("number", "category", "boolean"):
            families.setdefault(stem, []).append(name)
    for members in families.values():
        coded_ones = [n for n in members if columns[n].type == "category"]
        others = [n for n in members if columns[n].type != "category"]
        if not coded_ones or not others:
            continue
        cells = {n: values.cells(frame[n], columns[n].missing).texts for n in coded_ones}
        known = {text for name in coded_ones for text in cells[name]}
        if not any(text[0].isdecimal() for text in known):
            continue
        moved = [n for n in others if _inside(values.cells(frame[n]).texts, known)]
        if not moved:
            continue
        for name in moved:
            columns[name] = columns[name].model_copy(
                update={"type": "category", "missing": None, "decimal": None, "unit": None,
                        "multiples": False}
            )  # fmt: skip
            notes.forget(name)
        notes.say(
            "Columns named alike",
            f"{several(len(moved))} ({listed(moved)}) could be numbers, but"
            f" {listed(coded_ones)} hold the same values beside others that are none; all are read"
            " as categories, so that no cell is lost.",
            moved,
            "Set columns.NAME.type to number where they are amounts",
        )


def _inside(texts: list[str], known: set[str]) -> bool:
    return sum(text in known for text in texts) >= 0.5 * len(texts)
