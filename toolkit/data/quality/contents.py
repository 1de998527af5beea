"""Checks of what texts and images hold: copies, blanks, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Check, Profile
from toolkit.data.findings import Found, check_of, counted, percent

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_BLANK = 2.0
_SHORT = 3


def content_checks(table: Table, profile: Profile) -> list[Check]:
    """Return checks of the text and image columns that models may use."""
    found: dict[str, list[Found]] = {key: [] for key in ("copies", "blank", "sizes", "short")}
    for facts in profile.columns:
        if facts.role != "feature" or facts.type not in ("text", "image"):
            continue
        known = max(profile.rows - facts.missing, 1)
        if facts.repeated and facts.repeated / known <= 0.5:
            share = facts.repeated / known
            found["copies"].append(
                (facts.name, share, f"{facts.repeated:,} copies, {percent(share)}")
            )
        if facts.type == "text":
            short = int((table.measure(facts.name) < _SHORT).sum())
            if short:
                found["short"].append((facts.name, short, f"{counted(short, 'row')}"))
            continue
        blank = np.flatnonzero(table.image_facts(facts.name)["contrast"].to_numpy() < _BLANK)
        if len(blank):
            rows = ", ".join(str(row) for row in blank[:5].tolist())
            more = " …" if len(blank) > 5 else ""
            found["blank"].append((facts.name, len(blank), f"{len(blank):,}, in rows {rows}{more}"))
        if len(facts.sizes) > 1:
            found["sizes"].append(
                (facts.name, len(facts.sizes), f"most often {facts.sizes[0][0]} pixels")
            )
    return [
        *check_of("Images without content", "warning", "hold images of one even colour",
                  found["blank"], "Remove them, or find out what was lost."),
        *check_of("Copies of texts or images", "info", "hold values equal to an earlier row's",
                  found["copies"], "See whether they are copies; split.duplicates keeps rows that"
                  " are equal in all features in one part."),
        *check_of("Images of several sizes", "info", "hold images of different sizes or colours",
                  found["sizes"], "Models get all at one size; shapes that differ are squeezed."),
        *check_of("Very short texts", "info", f"hold texts of fewer than {_SHORT} characters",
                  found["short"], "Check whether they stand for a missing text."),
    ]  # fmt: skip
