"""Names of metrics, stages and verdicts as the report writes them."""

from __future__ import annotations

from toolkit.artifacts.base import Facts
from toolkit.report import blocks

STAGES = {
    "scoping": "Scoping",
    "eda": "Data",
    "label_review": "Label review",
    "automl": "Model search",
    "evaluate": "Evaluation on the test rows",
    "explain": "Explanation",
    "report": "Report",
}

_VERDICTS = {
    "met": "good",
    "within": "good",
    "missed": "bad",
    "beyond": "bad",
    "unclear": "caution",
    "cannot be judged": "caution",
}


def metric_title(name: str) -> str:
    """Return a metric's title; a name that `metrics` does not know is written out."""
    from toolkit import metrics
    from toolkit.errors import ToolkitError
    from toolkit.plots.evaluate.group_results import RATE_TITLES

    if name in RATE_TITLES:
        return RATE_TITLES[name]
    try:
        return metrics.get(name).title
    except (KeyError, ToolkitError):
        text = name.replace("_", " ").strip()
        return text[:1].upper() + text[1:]


def metric_unit(name: str) -> str:
    """Return ``score``, or ``target`` for a metric in the target's own unit."""
    from toolkit import metrics
    from toolkit.errors import UsageError

    try:
        return "target" if metrics.get(name).unit == "target" else "score"
    except UsageError:  # a rate of a group, which is no metric of a model
        return "score"


def greater_is_better(name: str) -> bool:
    """Whether a larger value of the metric is better."""
    from toolkit import metrics

    return bool(metrics.get(name).greater_is_better)


def verdict(word: str) -> Facts:
    """Return an acceptance or fairness verdict as a status."""
    return blocks.status(_VERDICTS.get(word, "info"), word)
