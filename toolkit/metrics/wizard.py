"""The metric wizard: from answers about use and harm to a metric."""

from __future__ import annotations

from toolkit.errors import ProjectError
from toolkit.metrics.base import for_task
from toolkit.metrics.decisions import cost_threshold
from toolkit.project.criteria import Costs
from toolkit.project.model import Project

COMPARED = {
    "demographic_parity_difference": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "predictive_parity_difference": ("precision",),
    "group_error_difference": ("error",),
}
"""The rates that a fairness metric compares."""
RATE_ROWS = {
    "selection_rate": "rows",
    "true_positive_rate": "positives",
    "false_positive_rate": "negatives",
    "precision": "flagged rows",
    "error": "rows",
}
"""The rows that a rate is over, in a word."""


def resolve(project: Project) -> tuple[str, str]:
    """Return the metric that ranks models, and the reason in one sentence.

    Raises
    ------
    ProjectError
        For a metric that does not fit the task.
    """
    task, choice = project.target.task, project.metric
    if choice.name != "auto":
        return _by_name(choice.name, task, for_task(task), "metric.name")
    if task == "regression":
        if choice.large_errors_worse:
            return "rmse", "One large error is worse than several small ones that add up to it."
        return "mae", "An error twice as large is just twice as bad."
    if choice.ranking_matters:
        name = "roc_auc" if task == "binary" else "roc_auc_ovr"
        return name, "Only the order of the rows is used."
    if choice.probability_used:
        return "log_loss", "The predicted probability itself is used, so it has to be right."
    if _unequal(project.costs, task):
        return "expected_cost", "Only the decision is used, and the errors do not cost the same."
    return "accuracy", "Only the decision is used, and every error costs the same."


def _by_name(name: str, task: str, allowed: list[str], where: str) -> tuple[str, str]:
    if name not in allowed:
        expected = "auto, " + ", ".join(allowed)
        raise ProjectError(f"{name} does not fit the task {task}", where=where, expected=expected)
    return name, "It was chosen by name."


def _unequal(costs: Costs, task: str) -> bool:
    if task == "binary":
        return cost_threshold(costs) != 0.5
    return any(
        cost != (0.0 if actual == predicted else 1.0)
        for actual, row in costs.matrix.items()
        for predicted, cost in row.items()
    )


def resolve_fairness(project: Project) -> tuple[str, str]:
    """Return the fairness metric that is judged, and the reason in one sentence.

    Raises
    ------
    ProjectError
        For a metric that does not fit the task.
    """
    answers, task = project.fairness, project.target.task
    if answers.metric != "auto":
        return _by_name(answers.metric, task, _fairness_for(task), "fairness.metric")
    if answers.people_affected is False:
        return "none", "The decision does not affect people."
    if not project.protected():
        return "none", "No column is marked as protected."
    if task != "binary":
        return "group_error_difference", f"For {task}, the mean error is compared across groups."
    return _binary_fairness(project)


def _fairness_for(task: str) -> list[str]:
    shared = ["none", "group_error_difference"]
    if task != "binary":
        return shared
    return [
        *shared,
        "demographic_parity_difference",
        "equal_opportunity_difference",
        "equalized_odds_difference",
        "predictive_parity_difference",
    ]


def _binary_fairness(project: Project) -> tuple[str, str]:
    answers = project.fairness
    if answers.label_trusted is False:
        return (
            "demographic_parity_difference",
            "The recorded outcome may carry past unfair treatment, so error rates measured"
            " against it would too; the shares of positive decisions are compared.",
        )
    if answers.errors_matter_most == "missed":
        return (
            "equal_opportunity_difference",
            "Being missed harms most, so the shares of positives found are compared.",
        )
    if answers.errors_matter_most == "wrongly_flagged":
        return (
            "predictive_parity_difference",
            "Being wrongly flagged harms most, so the shares of flagged rows that are"
            " rightly flagged are compared.",
        )
    if answers.errors_matter_most == "both":
        return (
            "equalized_odds_difference",
            "Both errors harm, so both error rates are compared.",
        )
    if answers.outcome_is_benefit:
        return (
            "equal_opportunity_difference",
            "The positive class is something people want, so those who merit it should be"
            " found equally often.",
        )
    return (
        "equalized_odds_difference",
        "The questionnaire does not say which error harms more, so both error rates are compared.",
    )
