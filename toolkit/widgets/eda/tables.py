"""Parts of ``02_eda`` for the notebook: contents, the graded checks, the contract in words."""

from __future__ import annotations

import json
from typing import Any

from toolkit import formats
from toolkit.artifacts import Contract, Profile, Quality
from toolkit.plots.eda import contents
from toolkit.plots.style import shorten
from toolkit.widgets.kit.static import Html, checks_html, table

_COLUMNS = 60
_CONTENTS = 6
_TYPES = {
    "object": "image",
    "float64": "number",
    "datetime64[us]": "date",
    "datetime64[ns]": "date",
}


def show_contents(profile: Profile) -> Html:
    """Return what the text and image columns hold: examples and distinctive words by class."""
    names = [c.name for c in profile.columns if c.pictures or c.words]
    drawn = [plot for name in names[:_CONTENTS] for plot in contents.figures(profile, name)]
    if not drawn:
        return Html("<p>The table has no text or image column with anything to show.</p>")
    more = len(names) - _CONTENTS
    rest = f"<p>{more} more columns can be looked at in the panel below.</p>" if more > 0 else ""
    return Html("".join(plot.html() for plot in drawn) + rest)


def quality_table(quality: Quality) -> Html:
    """Return the graded checks as a table, worst first; those that came out well are counted."""
    shown = [check for check in quality.checks if check.severity != "ok"]
    well = len(quality.checks) - len(shown)
    more = f"<p>{well} more came out well.</p>" if well else ""
    return Html(checks_html(shown) + more)


def contract_table(contract: Contract) -> Html:
    """Return what the contract asks of each column."""
    columns = json.loads(contract.schema_text)["columns"]
    rows = [
        (
            shorten(name, 40),
            _TYPES.get(str(facts["dtype"]), "category or text"),
            "may be missing" if facts.get("nullable") else "never missing",
            _limits(facts),
        )
        for name, facts in list(columns.items())[:_COLUMNS]
    ]
    rest = len(columns) - len(rows)
    more = f"<p>{rest:,} more columns are in contract.json.</p>" if rest else ""
    return Html(table(("Column", "Type", "Missing", "A warning outside of"), rows) + more)


def _limits(facts: dict[str, Any]) -> str:
    if "isin" in facts:
        levels = facts["isin"]["allowed_values"]
        shown = ", ".join(shorten(level, 24) for level in levels[:8])
        return f"{shown} and {len(levels) - 8} more" if len(levels) > 8 else shown
    if "in_range" in facts:
        low, high = facts["in_range"]["min_value"], facts["in_range"]["max_value"]
        return f"{_number(low)} to {_number(high)}"
    return ""


def _number(value: Any) -> str:
    return formats.number(value, 6) if isinstance(value, int | float) else str(value)[:19]
