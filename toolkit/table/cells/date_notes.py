"""What is said of how a column's dates are read."""

from __future__ import annotations

import numpy as np

from toolkit.table.cells.dates import COUNTS, ISO, dates, follow
from toolkit.table.cells.notes import Notes, listed
from toolkit.table.cells.values import Cells


def say_dates(name: str, form: str, texts: list[str], lost: int, notes: Notes) -> None:
    """Say how dates are read, and how many cells are none."""
    which = f", which is {str(dates(texts[:1], form)[0])[:10]}" if form in COUNTS else ""
    text = f"{name!r} is read as dates, such as {texts[0]!r}{which} ({form or 'ISO 8601'})"
    if lost:
        notes.say(
            "Cells that are no dates",
            f"{text}; {lost} cells are no dates and are read as missing.",
            name,
            severity="warning",
        )
    else:
        notes.say("Dates", f"{text}.", name)


def say_several(name: str, form: str, texts: list[str], counts: np.ndarray, notes: Notes) -> None:
    """Say in which ways dates are written, with counts and examples."""
    parts = []
    rest = np.ones(len(texts), bool)
    for part in form.split(" | "):
        fits = np.array([bool(ISO.fullmatch(text)) for text in texts])
        if not part.startswith("%Y-%m-%d"):
            fits = ~fits & ~np.isnat(follow(texts, part))
        fits &= rest
        rest &= ~fits
        if fits.any():
            parts.append(f"{int(counts[fits].sum())} cells as {texts[int(fits.argmax())]!r}")
    notes.say(
        "Dates written in several ways",
        f"{name!r} has {', '.join(parts)}; each is read in its own way ({form}).",
        name,
        f"Check columns.{name}.format: the first way that fits a cell is taken",
        severity="warning",
    )


def say_both(name: str, first: str, second: str, found: Cells, notes: Notes) -> None:
    """Say that day and month stand in both orders."""
    day, month = (first, second) if first.startswith("%d") else (second, first)
    only = []
    for form, other, text in ((day, month, "the day"), (month, day, "the month")):
        alone = ~np.isnat(follow(found.texts, form)) & np.isnat(follow(found.texts, other))
        example = found.texts[int(alone.argmax())]
        only.append(f"{int(found.counts[alone].sum())} cells only fit {text} first ({example!r})")
    notes.say(
        "Day and month mixed",
        f"{' and '.join(only)} in {name!r}; nothing tells which the others mean, so it is read as a"
        " category.",
        name,
        f"Correct the source, or set columns.{name}.type to date and its format to {day}"
        f" or {month}",
        severity="warning",
    )


def say_doubtful(name: str, example: str, other: str, notes: Notes) -> None:
    """Say that day and month could change places."""
    notes.say(
        "Day or month first",
        f"{name!r} can be read with the day or the month first, as in {example!r}; the"
        " day is taken first.",
        name,
        f"Set columns.{name}.format to {other} if the month comes first",
        severity="warning",
    )


def say_never(name: str, never: list[str], rows: int, notes: Notes) -> None:
    """Say which spellings stand for no date."""
    notes.say(
        "Dates that mean none",
        f"{rows} cells of {name!r} say {listed(never)} and are read as missing.",
        name,
        f"Remove the spelling from columns.{name}.missing if it is a date",
        severity="warning" if any(text[0].isdecimal() for text in never) else "info",
    )


def say_far(name: str, days: np.ndarray, counts: np.ndarray, notes: Notes) -> None:
    """Say that dates lie centuries away: Buddhist, Islamic or Persian years, or no end."""
    far = days >= np.datetime64("2400-01-01")
    islamic = (days >= np.datetime64("1300-01-01")) & (days < np.datetime64("1500-01-01"))
    if islamic.all():
        far = islamic
    if far.any():
        notes.say(
            "Dates of another calendar, or of none",
            f"{int(counts[far].sum())} cells of {name!r} lie centuries away, such as"
            f" {days[far][0]}.",
            name,
            f"Add the spelling to columns.{name}.missing if it means no date; bring years of"
            " another calendar to the common one in the source",
            severity="warning",
        )


def say_month_year(name: str, texts: list[str], notes: Notes) -> None:
    """Say that a month's day could be meant where the number may be one."""
    if all(1 <= int(text[-2:]) <= 31 for text in texts if text[-2:].isdecimal()):
        notes.say(
            "Month and year, or month and day",
            f"{texts[0]!r} in {name!r} is read as a month of a year; it could be a day.",
            name,
            f"Set columns.{name}.type to category if it is one",
            severity="warning",
        )


def say_unread(name: str, texts: list[str], notes: Notes) -> None:
    """Say that a column named like dates holds what looks like them and is not understood."""
    if any(c.name == "Day and month mixed" and c.columns == [name] for c in notes.checks):
        return
    notes.say(
        "Dates that are not understood",
        f"{name!r} is named like dates, but {texts[0]!r} is not understood as one; it is no date.",
        name,
        f"Set columns.{name}.type to date and columns.{name}.format to how they are written, such"
        " as %d/%m/%Y",
        severity="warning",
    )
