"""Conditions of a tree in words."""

from __future__ import annotations

import numpy as np

from toolkit import formats
from toolkit.artifacts import TreeNode

UP_TO, LIMIT = "is up to ", "≤ "


def condition(threshold: float, kind: str) -> str:
    """Return the condition under which a number or a date (days since 1970) goes left."""
    if kind == "date":
        day = np.datetime64("1970-01-01") + np.timedelta64(int(np.floor(threshold)), "D")
        return f"{UP_TO}{day}"
    return f"{LIMIT}{formats.number(threshold, 5)}"


def rule(path: list[tuple[TreeNode, bool]]) -> str:
    """Return the conditions of a path as one sentence, a column's own together.

    Parameters
    ----------
    path : list of (TreeNode, bool)
        From the root: what was asked, and whether it holds.
    """
    if not path:
        return "Always"
    columns: dict[str, list[tuple[TreeNode, bool]]] = {}
    for node, holds in path:
        columns.setdefault(node.column, []).append((node, holds))
    return "If " + " and ".join(f"{name} {_of(tests)}" for name, tests in columns.items())


def _of(tests: list[tuple[TreeNode, bool]]) -> str:
    """Return what is known of one column.

    Of several upper limits the last is the tightest, since each box splits what the one
    before left; a category that is something is nothing else.
    """
    holds = [node.test for node, yes in tests if yes]
    fails = [node.test for node, yes in tests if not yes]
    if not tests[0][0].test.startswith((UP_TO, LIMIT)):
        if holds:
            return holds[-1]
        if len(fails) == 1:
            return fails[0].replace("is ", "is not ", 1)
        return "is none of " + ", ".join(text.removeprefix("is ") for text in fails)
    parts = [fails[-1].replace(UP_TO, "is after ", 1).replace(LIMIT, "> ", 1)] if fails else []
    missing = all(node.missing == ("yes" if yes else "no") for node, yes in tests)
    return " and ".join(parts + holds[-1:]) + " (or missing)" * missing
