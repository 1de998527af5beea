"""The rules of the verdict, in one table: what each looks at, when it speaks, what it says.

A verdict is no better than the worst of its rules. Of equal ones, the first in this order decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from toolkit.artifacts.automl import FEW_HOLDOUT
from toolkit.report.verdict import of_scores, of_use
from toolkit.report.verdict.case import Case, Parts
from toolkit.report.verdict.inputs import FEW_OF_A_CLASS, FEW_ROWS


@dataclass(frozen=True)
class Rule:
    """One rule of the verdict.

    Attributes
    ----------
    name : str
        Unique and the same in every version, such as ``leak``.
    input : str
        What it looks at.
    condition : str
        When it speaks, in words.
    verdict : str
        What it makes of the model then: ``do not use``; or ``not shown`` or ``cannot be
        judged``, both of which make the whole *not shown*.
    sentence : str
        What it says; names in braces are filled in by ``find``.
    find : callable
        Takes a `Case` and gives the parts of the sentence, or None where there is nothing to say.
    """

    name: str
    input: str
    condition: str
    verdict: Literal["do not use", "not shown", "cannot be judged"]
    sentence: str
    find: Callable[[Case], Parts | None]


RULES = (
    Rule(
        "leak", "Leak suspects", "a feature is under critical suspicion of leaking the target, and"
        " nobody has cleared it", "do not use",
        "Nobody has cleared {columns} of leaking the target (suspicion {score} of 1): the scores"
        " cannot be believed. Say in 01_scoping.ipynb when it becomes known, or leave it out.",
        of_scores.leak,
    ),
    Rule(
        "shuffled", "Validity of the search", "a model of the search beats a constant guess on"
        " shuffled labels", "do not use",
        "On shuffled labels {model} still has a {metric} of {score}, where chance gives {chance}:"
        " the search sees rows that it is judged on.",
        of_scores.shuffled,
    ),
    Rule(
        "worse", "Constant guess", "the champion is worse than a constant guess on the test rows",
        "do not use",
        "The champion is worse than a constant guess on {rows}: {metric} {score}, the guess"
        " {guess}.",
        of_scores.worse,
    ),
    Rule(
        "no-better", "Constant guess", "the champion is not clearly better than a constant guess,"
        f" though there are {FEW_ROWS} test rows or more, and {FEW_OF_A_CLASS} of each of two"
        " classes",
        "do not use",
        "The champion is no better than a constant guess on {rows}: {metric} {score}, the guess"
        " {guess}. Look for better columns.",
        of_scores.no_better,
    ),
    Rule(
        "missed", "Acceptance limits", "a limit is missed: the whole interval lies beyond it",
        "do not use",
        "{metric} on the test rows is {score}; the limit is {limit}.{more}",
        of_use.missed,
    ),
    Rule(
        "beyond", "Fairness", "people are affected, and groups differ by more than the limit: the"
        " whole interval lies above it", "do not use",
        "The {metric} of {column} is {difference}; the limit is {limit}.",
        of_use.beyond,
    ),
    Rule(
        "no-champion", "Champion", "no model was chosen", "not shown",
        "There is no champion. Run 04_automl.ipynb.",
        of_scores.no_champion,
    ),
    Rule(
        "not-tested", "Test rows", "the champion was not tested", "not shown",
        "The champion was not tested. Run 05_evaluate.ipynb.",
        of_scores.not_tested,
    ),
    Rule(
        "absent-class", "Test rows", "a class has no test row", "cannot be judged",
        "Of {rows}, none is {what}: how well it is recognised is unknown. Split so that it has"
        " test rows, or collect some.",
        of_scores.absent_class,
    ),
    Rule(
        "undefined", "Test rows", "the ranking metric is not defined on the test rows",
        "cannot be judged",
        "{metric} is not defined on {rows}.",
        of_scores.undefined,
    ),
    Rule(
        "few-rows", "Test rows", f"there are fewer than {FEW_ROWS}", "not shown",
        "There are only {rows}, too few to show what the model is worth. Collect more rows.",
        of_scores.few_rows,
    ),
    Rule(
        "few-of-a-class", "Test rows", f"one of two classes has fewer than {FEW_OF_A_CLASS}",
        "not shown",
        "There are only {rows} of the class {class}: how well it is recognised is a guess. Collect"
        " more of them.",
        of_scores.few_of_a_class,
    ),
    Rule(
        "unclear", "Constant guess", "the champion is not clearly better than a constant guess, and"
        " the test rows are few", "not shown",
        "The champion is not clearly better than a constant guess on {rows}: {metric} {score}, the"
        " guess {guess}.",
        of_scores.unclear,
    ),
    Rule(
        "outdated", "Stages", "a result does not follow from today's choices and files, or a stage"
        " did not run", "not shown",
        "The stage {stage} is out of date: {reason}.{more} Run the project again.",
        of_use.outdated,
    ),
    Rule(
        "not-checked", "Stages", "the data, the robustness or the explanation was not checked",
        "not shown",
        "In this run {what} not checked.{more} Run the project whole.",
        of_use.not_checked,
    ),
    Rule(
        "critical", "Checks", "a check is critical that no other rule looks at (feasibility, data,"
        " labels, search, test, robustness, explanation)", "not shown",
        "A check of {area} is critical. {check}: {message}{more}",
        of_use.critical,
    ),
    Rule(
        "possible-leak", "Leak suspects", "another feature is suspected, and nobody has cleared it",
        "not shown",
        "Nobody has said whether {columns} is known in time (suspicion {score} of 1). Answer in"
        " 01_scoping.ipynb.",
        of_scores.possible_leak,
    ),
    Rule(
        "optimism", "Validity of the search", "the selection's score is better than that of the"
        " holdout rows by more than chance and selection bias explain", "not shown",
        "The selection score is optimistic: {metric} {optimism} better than on {rows}. Look for"
        " rows or groups on both sides of the folds.",
        of_scores.optimism,
    ),
    Rule(
        "overfit", "Validity of the search", "the test score's whole interval is worse than that of"
        " the out-of-fold rows", "not shown",
        "The test score is worse than the search suggested: {metric} {score} on test rows, {before}"
        " on out-of-fold rows.",
        of_scores.overfit,
    ),
    Rule(
        "few-holdout", "Validity of the search", f"there are fewer than {FEW_HOLDOUT} holdout rows,"
        " or the metric is not defined on them", "cannot be judged",
        "The optimism of the selection cannot be judged: {rows}.",
        of_scores.few_holdout,
    ),
    Rule(
        "limit-undefined", "Acceptance limits", "a limit's metric is not defined on the test rows,"
        " or these are all of one class", "cannot be judged",
        "The limit on {metric} ({limit}) cannot be judged on these test rows.{more}",
        of_use.limit_unjudged,
    ),
    Rule(
        "limit-unclear", "Acceptance limits", "the interval spans a limit", "not shown",
        "{metric} on the test rows is {score}, and the limit, {limit}, lies within its"
        " interval.{more} More test rows can tell.",
        of_use.limit_unclear,
    ),
    Rule(
        "easy-limit", "Acceptance limits", "a constant guess meets every limit", "not shown",
        "A constant guess meets the limits, too ({metric} {guess}). Tighten them.",
        of_use.easy_limit,
    ),
    Rule(
        "no-limit", "Acceptance limits", "none was stated", "not shown",
        "No acceptance limit was stated: nothing says how good is good enough. State one in"
        " 01_scoping.ipynb.",
        of_use.no_limit,
    ),
    Rule(
        "no-use", "Stated use", "neither the question nor the decision was stated", "not shown",
        "The use was not stated. Say in 01_scoping.ipynb what is predicted, and for which"
        " decision.",
        of_use.no_use,
    ),
    Rule(
        "perhaps-beyond", "Fairness", "groups differ by more than the limit, and nobody said"
        " whether people are affected", "not shown",
        "The {metric} of {column} is {difference}, beyond {limit}, and nobody said whether people"
        " are affected. Answer in 01_scoping.ipynb.",
        of_use.perhaps_beyond,
    ),
    Rule(
        "fairness-unclear", "Fairness", "the interval of a difference spans the limit, or a large"
        " group cannot be compared", "not shown",
        "Whether the {metric} of {column}, {difference}, keeps to {limit} is unclear.",
        of_use.fairness_unclear,
    ),
    Rule(
        "fairness-undefined", "Fairness", "groups cannot be compared, or people are affected and"
        " none were named", "cannot be judged",
        "Fairness cannot be judged: {why}.",
        of_use.fairness_unjudged,
    ),
    Rule(
        "fairness-not-asked", "Fairness", "nobody said whether people are affected", "not shown",
        "Nobody said whether the decision affects people. Answer in 01_scoping.ipynb.",
        of_use.fairness_not_asked,
    ),
    Rule(
        "constraint", "Constraints", "the champion breaks one", "not shown",
        "The champion breaks a constraint: {what}.",
        of_use.constraint,
    ),
    Rule(
        "explanation", "Explanation", "SHAP values miss the model's output by more than their"
        " tolerance", "not shown",
        "The explanation does not add up to the model's output: it misses by {error}, the"
        " tolerance is {tolerance}.",
        of_use.explanation,
    ),
)  # fmt: skip
"""In the order in which they decide."""
