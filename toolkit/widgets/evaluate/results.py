"""The verdicts on the test rows, for a notebook."""

from __future__ import annotations

from toolkit import formats
from toolkit.artifacts import Evaluation
from toolkit.widgets.kit.panel import checks_html
from toolkit.widgets.kit.static import Html, table


def show_evaluation(evaluation: Evaluation) -> Html:
    """Return the verdicts on the test rows and all remarks, as tables for a notebook."""
    parts = []
    if evaluation.acceptance:
        rows = [
            (each.metric, each.limit, each.score.text(4), each.verdict)
            for each in evaluation.acceptance
        ]
        parts.append(table(("Metric", "Limit", "On the test rows", "Verdict"), rows))
    else:
        parts.append("<p>The project sets no acceptance limit, so none could be missed.</p>")
    if evaluation.fairness:
        rows = [
            (f"{each.metric.replace('_', ' ')} by"
            f" {each.column}", f"at most {formats.number(each.limit, 6)}",
             each.difference.text(4), each.verdict)
            for each in evaluation.fairness
        ]  # fmt: skip
        parts.append(table(("Fairness", "Limit", "On the test rows", "Verdict"), rows))
    return Html("".join(parts) + checks_html(evaluation.checks))
