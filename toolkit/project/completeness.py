"""What people must say before a model can be judged, and whether they have said it.

How much is required follows the risk tier. A model that nobody rated is asked what a
high-risk one is asked: leaving the rating open must not be the easy way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.paths import notebook_name
from toolkit.project.model import Project
from toolkit.project.sources import Source

_TIERS = {"low": 0, "medium": 1, "high": 2, "unrated": 2}
_LOW, _MEDIUM, _HIGH, _NEVER = 0, 1, 2, 3

# Key, what is asked, and the lowest tier from which the answer is required.
_WORDS = (
    ("problem.question", "What is predicted, in one sentence", _LOW),
    ("problem.decision", "Which decision the prediction feeds", _LOW),
    ("problem.out_of_scope", "What the model must not be used for", _LOW),
    ("problem.business_goal", "What the organisation wants to achieve", _MEDIUM),
    ("problem.decision_maker", "Who takes the decision", _MEDIUM),
    ("problem.users", "Who looks at the predictions", _MEDIUM),
    ("problem.affected", "Whom the decision touches", _MEDIUM),
    ("problem.unit", "What one row stands for", _MEDIUM),
    ("problem.prediction_time", "When the prediction is made, and what is known by then", _MEDIUM),
    ("problem.constraints", "Law, policy, latency or hardware that limits the solution", _NEVER),
    ("governance.owner", "The person who answers for the model", _LOW),
    ("governance.review_date", "When the model is looked at again", _MEDIUM),
)


@dataclass(frozen=True)
class Question:
    """One thing that people are asked.

    Attributes
    ----------
    key : str
        The project key that holds the answer.
    what : str
        What is asked, in words.
    where : str
        The notebook in which it is answered.
    required : bool
        Whether the risk tier demands it; otherwise it is recommended.
    answered : bool
    """

    key: str
    what: str
    where: str
    required: bool
    answered: bool


def questions(
    project: Project, sources: Mapping[str, Source], *, labels_reviewed: bool
) -> list[Question]:
    """Return everything that people are asked about this project, in reading order.

    Parameters
    ----------
    project : Project
        The choices.
    sources : mapping of str to Source
        Where each value comes from: a default is no answer.
    labels_reviewed : bool
        Whether people went through the queue of suspicious labels.
    """
    tier = _TIERS[project.governance.risk_tier]
    scoping = notebook_name("scoping")

    def ask(key: str, what: str, level: int, answered: bool, where: str = scoping) -> Question:
        return Question(key, what, where, tier >= level, answered)

    dump = project.model_dump(mode="json")
    asked = [
        ask("governance.risk_tier", "How much harm a wrong model can do", _LOW,
            project.governance.risk_tier != "unrated")
    ]  # fmt: skip
    for key, what, level in _WORDS:
        section, _, field = key.partition(".")
        asked.append(ask(key, what, level, bool(str(dump[section][field] or "").strip())))
    asked.append(
        ask("governance.reviewer", "The person who challenges the model, not its owner", _MEDIUM,
            _independent(project))
    )  # fmt: skip
    if project.target.task != "regression":
        key = "costs.false_negative" if project.target.task == "binary" else "costs.matrix"
        stated = any(k.startswith("costs.") and s.kind != "default" for k, s in sources.items())
        asked.append(ask(key, "What each kind of error costs", _MEDIUM, stated))
    asked.append(
        ask("acceptance", "The limits that the test rows must meet", _MEDIUM,
            bool(project.acceptance))
    )  # fmt: skip
    asked += [ask(*each) for each in _fairness(project)]
    asked.append(
        ask("labels.review", "A person's look at the most suspicious labels", _HIGH,
            labels_reviewed, notebook_name("label_review"))
    )  # fmt: skip
    if tier >= _MEDIUM:
        asked.append(
            ask("choice.reason", "Why this model is the champion, in a person's words", _HIGH,
                bool(project.choice.reason.strip()), notebook_name("automl"))
        )  # fmt: skip
    asked.append(
        ask("report.statement", "The owner's closing statement", _MEDIUM,
            bool(project.report.statement.strip()), notebook_name("report"))
    )  # fmt: skip
    return asked


def _independent(project: Project) -> bool:
    owner, reviewer = (
        text.strip().casefold() for text in (project.governance.owner, project.governance.reviewer)
    )
    return bool(reviewer) and reviewer != owner


def _fairness(project: Project) -> list[tuple[str, str, int, bool]]:
    fairness = project.fairness
    asked = [
        ("fairness.people_affected", "Whether the decision affects people", _LOW,
         fairness.people_affected is not None)
    ]  # fmt: skip
    if fairness.people_affected is False:
        return asked
    asked.append(
        ("fairness.protected_confirmed", "A person's check of which columns are protected",
         _MEDIUM, fairness.protected_confirmed)
    )  # fmt: skip
    if fairness.people_affected and project.target.task != "regression":
        asked += [
            ("fairness.outcome_is_benefit", "Whether the outcome is something people want",
             _MEDIUM, fairness.outcome_is_benefit is not None),
            ("fairness.label_trusted", "Whether the recorded outcome is free of unfair treatment",
             _MEDIUM, fairness.label_trusted is not None),
            ("fairness.errors_matter_most", "Which error harms a person more", _MEDIUM,
             fairness.errors_matter_most != "unsure"),
        ]  # fmt: skip
    return asked
