"""Draws a report's figures from the data in ``report.json``, fit to be put inline."""

from __future__ import annotations

import functools
import importlib
import json
import re
from typing import Any

from toolkit import artifacts
from toolkit.artifacts.base import Facts, JsonArtifact
from toolkit.errors import RunError
from toolkit.plots.style import Plot

FIGURES = (
    "automl.calibration",
    "automl.holdout",
    "automl.conformal",
    "automl.ensemble",
    "automl.leaderboard",
    "automl.pareto",
    "automl.shuffled",
    "automl.threshold",
    "automl.timeline",
    "eda.mistakes",
    "eda.sheet",
    "eda.words",
    "eda.associations",
    "eda.split",
    "evaluate.curve",
    "evaluate.tree",
    "evaluate.calibration",
    "evaluate.confusion",
    "evaluate.fairness",
    "evaluate.groups",
    "evaluate.metric_intervals",
    "evaluate.slices",
    "explain.importance",
    "explain.waterfall",
    "evaluate.crossings",
    "evaluate.trade_off",
    "automl.feature_overview",
    "explain.counterfactuals",
    "evaluate.doses",
    "evaluate.missing",
    "evaluate.outside",
    "evaluate.shifts",
    "explain.heat",
    "scoping.class_balance",
    "explain.tree",
    "explain.effect",
    "explain.importances",
    "explain.interactions",
)
"""Functions of `toolkit.plots`, the same that the notebooks show."""

_TAG = re.compile(r"<[a-zA-Z][^>]*>")
_STYLE = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def draw(block: Facts, number: int) -> dict[str, Any]:
    """Return title, text alternative and SVG of a figure block.

    Parameters
    ----------
    block : dict
        Of the type ``figure``.
    number : int
        The figure's place in the report, which keeps its SVG ids apart from others'.

    Raises
    ------
    RunError
        For a figure that this version does not draw.
    """
    if block["plot"] not in FIGURES:
        raise RunError(
            f"figure {block['plot']!r} is unknown",
            where="report.json",
            expected=", ".join(FIGURES),
            remedy="Render it with the version of the toolkit that wrote it",
        )
    plot = _drawn(block["plot"], json.dumps(block["data"]))
    title = block.get("title") or plot.title
    return {"title": title, "alt": plot.alt, "svg": inline(plot.svg, f"f{number}-")}


@functools.lru_cache(maxsize=128)
def _drawn(plot: str, content: str) -> Plot:
    """Draw a figure; the notebook renders the report twice, and few choices change a figure."""
    module, _, name = plot.partition(".")
    data = json.loads(content)
    given: list[Any] = [_artifact(data)]
    if "beside" in data:
        given.append(_artifact(data["beside"]))
    if "lines" in data:
        import pandas as pd

        given.append(pd.DataFrame(data["lines"]))
    function = getattr(importlib.import_module(f"toolkit.plots.{module}"), name)
    found: Plot = function(*given, **data.get("arguments", {}))
    return found


def _artifact(data: Facts) -> JsonArtifact:
    kind: type[JsonArtifact] = getattr(artifacts, data["artifact"])
    return kind.model_validate(data["fields"])


def inline(svg: str, prefix: str) -> str:
    """Return an SVG that can stand beside others in one page.

    Ids get a prefix, since they must be unique in a page. The style sheet and metadata that
    matplotlib adds are dropped: the first would apply to the whole page (`report.css` has its
    rules), the second names addresses that a reader might take for requests.
    """
    svg = _METADATA.sub("", _STYLE.sub("", _COMMENT.sub("", svg)))
    svg = svg.replace(' style="max-width:100%;height:auto"', "", 1)

    def rename(match: re.Match[str]) -> str:
        tag = re.sub(r'\sid="([^"]*)"', rf' id="{prefix}\1"', match[0])
        tag = re.sub(r"url\(#", f"url(#{prefix}", tag)
        return re.sub(r'href="#', f'href="#{prefix}', tag)

    return _TAG.sub(rename, svg)
