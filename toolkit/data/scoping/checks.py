"""Graded checks of the plan: rows, costs, limits, fairness, governance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit import formats, metrics
from toolkit.artifacts import Check, Feasibility, Suspect
from toolkit.data.findings import listed

if TYPE_CHECKING:
    from toolkit.project.criteria import Acceptance
    from toolkit.project.model import Project

_FEW_ROWS = 500
_FEW_TEST_ROWS = 30
_FEW_SHARE = 0.1
_RARE_SHARE = 0.01


def of_rows(facts: Feasibility, *, about: bool = False) -> list[Check]:
    """Judge how many rows there are, in all, for the test, and of the rarest class.

    `about` is whether the number of test rows is an estimate.
    """
    test_rows = f"{'about ' if about else ''}{facts.test_rows:,}"
    found = []
    if facts.rows < _FEW_ROWS:
        found.append(
            Check(
                name="Few rows",
                severity="warning",
                message=f"{facts.rows:,} rows have a known target; scores will be uncertain and"
                " large models will overfit.",
                remedy="Collect more rows, or prefer a simple model",
            )
        )
    else:
        found.append(
            Check(
                name="Rows",
                severity="ok",
                message=f"{facts.rows:,} rows have a known target, of which {test_rows}"
                " are kept for the test.",
            )
        )
    if facts.detectable is not None:
        what = "R2" if facts.task == "regression" else "accuracy"
        large = facts.detectable > 0.05
        found.append(
            Check(
                name="Detectable difference",
                severity="warning" if large else "ok",
                message=f"The {test_rows} test rows can tell two models apart whose"
                f" {what} differs by {facts.detectable:.3f} or more (two-sided 5 %, power 80 %).",
                remedy="Do not choose between models on smaller differences" if large else "",
            )
        )
    return found + (_balance(facts) if facts.classes else [])


def _balance(facts: Feasibility) -> list[Check]:
    rarest = min(facts.classes, key=lambda label: (facts.classes[label], label))
    share = facts.classes[rarest] / facts.rows
    in_test = facts.test_rows * share
    found = []
    if in_test < _FEW_TEST_ROWS:
        severity = "critical" if in_test < 5 and facts.task == "binary" else "warning"
        found.append(
            Check(
                name="Test rows of the rarest class",
                severity=severity,
                message=f"About {in_test:.0f} test rows will have the class {rarest!r}: its recall"
                " and precision will be guesses.",
                remedy="Collect more rows of it, or enlarge split.test",
            )
        )
    if share < _FEW_SHARE:
        found.append(
            Check(
                name="Imbalance",
                severity="warning" if share < _RARE_SHARE else "info",
                message=f"The class {rarest!r} is {formats.share(share, 1)} of the rows; always"
                f" guessing the"
                f" largest class already scores an accuracy of"
                f" {formats.share(max(facts.classes.values()) / facts.rows)}.",
                remedy="Judge by log loss, average precision or cost, not by accuracy",
            )
        )
    return found


def of_split(project: Project) -> list[Check]:
    """Judge whether dates ask for a split by time."""
    dates = [
        name
        for name, column in project.columns.items()
        if column.type == "date" and column.use in ("feature", "time")
    ]
    if not dates or project.split.method == "time":
        return []
    names = ", ".join(map(repr, dates[:4])) + (" ..." if len(dates) > 4 else "")
    return [
        Check(
            name="Rows have dates",
            severity="warning",
            message=f"{names} may order the rows in time, and the split does not follow it: a model"
            " that will score later rows is then tested on rows of the same days that it learnt.",
            columns=dates,
            remedy=f"Set split.method to time and split.column to {dates[0]}, unless the order in"
            " time means nothing",
        )
    ]


def of_known(project: Project, strongest: Sequence[Suspect]) -> list[Check]:
    """Judge whether it is said when the columns that predict most become known."""
    columns = project.columns
    left_out = [n for n, c in columns.items() if c.use != c.role]
    open_ones = [s for s in strongest if columns[s.column].known is None]
    doubtful = [s for s in open_ones if s.reason]
    found = []
    if left_out:
        found.append(
            Check(
                name="Known only afterwards",
                severity="info",
                message=f"No model gets {listed(left_out)}: known only after the outcome, says"
                " project.yaml.",
                columns=left_out,
            )
        )
    if doubtful:
        found.append(
            Check(
                name="Known only afterwards?",
                severity="warning",
                message="; ".join(f"{s.column}: {s.reason}" for s in doubtful[:5])
                + (f"; and {len(doubtful) - 5} more." if len(doubtful) > 5 else "."),
                columns=[s.column for s in doubtful],
                remedy="Say when each becomes known (columns.<name>.known): before, or only after"
                " the outcome",
            )
        )
    elif open_ones:
        found.append(
            Check(
                name="When columns become known",
                severity="info",
                message=f"Of the {len(strongest)} columns that predict most alone, nobody has said"
                f" when {len(open_ones)} become known.",
                columns=[s.column for s in open_ones],
                remedy="Say it for each (columns.<name>.known): before, or only after the outcome",
            )
        )
    return found


def of_metric(project: Project, facts: Feasibility) -> list[Check]:
    """Judge costs and acceptance limits."""
    found = []
    if facts.task == "binary" and facts.cost_threshold == 0.5:
        found.append(
            Check(
                name="Equal costs",
                severity="info",
                message="Both errors cost the same, so a row is predicted positive at a"
                " probability of 0.5 or more.",
                remedy="Enter under `costs` what each error really costs, if they differ",
            )
        )
    elif facts.cost_threshold in (0.0, 1.0):
        found.append(
            Check(
                name="Costs leave nothing to decide",
                severity="warning",
                message="With these costs the same decision is cheapest for every row.",
                remedy="Give both errors a cost",
            )
        )
    for label in _unknown_classes(project, facts):
        found.append(
            Check(
                name="Cost of a class that does not occur",
                severity="warning",
                message=f"costs.matrix names {label!r}, which is no class of the target.",
                remedy=f"Classes are {', '.join(list(facts.classes)[:10])}",
            )
        )
    if not project.acceptance:
        found.append(
            Check(
                name="No acceptance limit",
                severity="info",
                message="Nothing says how good is good enough, so no model can fail.",
                remedy="Add a limit under `acceptance`",
            )
        )
    for limit in project.acceptance:
        found += _limit(limit, facts)
    return found


def _unknown_classes(project: Project, facts: Feasibility) -> list[str]:
    matrix = project.costs.matrix
    named = [*matrix, *(label for row in matrix.values() for label in row)]
    return sorted({label for label in named if label not in facts.classes})


def _limit(limit: Acceptance, facts: Feasibility) -> list[Check]:
    metric = metrics.get(limit.metric)
    if limit.metric not in facts.constant:
        return [
            Check(
                name="Acceptance metric",
                severity="critical",
                message=f"{metric.title} does not exist for the task {facts.task}.",
                remedy=f"Choose one of {', '.join(facts.constant)}",
            )
        ]
    guess = facts.constant[limit.metric]
    if limit.at_least is None and limit.at_most is None:
        return [
            Check(
                name="Acceptance without a limit",
                severity="warning",
                message=f"{metric.title} is listed without a number.",
                remedy="Set at_least or at_most",
            )
        ]
    met = guess is not None and (
        (limit.at_least is None or guess >= limit.at_least)
        and (limit.at_most is None or guess <= limit.at_most)
    )
    if not met:
        return []
    return [
        Check(
            name="Acceptance limit",
            severity="warning",
            message=f"A constant guess already meets the limit on {metric.title}"
            f" ({formats.number(guess)}).",
            remedy="Tighten it",
        )
    ]


def of_fairness(
    project: Project, facts: Feasibility, groups: Mapping[str, Mapping[str, int]]
) -> list[Check]:
    """Judge whether the questions on people are answered, and the groups large enough."""
    protected = project.protected()
    affected = project.fairness.people_affected
    found = []
    if affected is None:
        found.append(
            Check(
                name="People affected",
                severity="warning" if protected else "info",
                message="Nobody has said whether the decision affects people"
                + (f"; {len(protected)} columns look protected." if protected else "."),
                columns=protected,
                remedy="Answer fairness.people_affected",
            )
        )
    elif affected and not protected:
        found.append(
            Check(
                name="No protected column",
                severity="warning",
                message="The decision affects people, but no column names a protected group: no"
                " difference between groups can be seen.",
                remedy="Mark columns as protected, or add them to the table",
            )
        )
    share = facts.test_rows / facts.rows if facts.rows else 0.0
    words = [metrics.RATE_ROWS[rate] for rate in metrics.COMPARED.get(facts.fairness_metric, ())]
    counted = [word for word in words if word in ("positives", "negatives")]
    over = f"{' or '.join(counted)} in the test rows" if counted else "test rows"
    for column, sizes in groups.items():
        small = [g for g, n in sizes.items() if n * share < project.fairness.minimum_group]
        if small and affected is not False:
            shown = ", ".join(repr(group[:30]) for group in small[:5])
            more = f" and {len(small) - 5} more" if len(small) > 5 else ""
            found.append(
                Check(
                    name="Small groups",
                    severity="warning" if len(sizes) - len(small) < 2 else "info",
                    message=f"{len(small)} of {len(sizes)} groups of {column!r} will have fewer"
                    f" than {project.fairness.minimum_group} {over} and will not be judged:"
                    f" {shown}{more}.",
                    columns=[column],
                    remedy="Collect more rows of them, or enlarge split.test",
                )
            )
    return found


def of_people(project: Project) -> list[Check]:
    """Judge who answers for the model and who challenges it."""
    governance = project.governance
    owner, reviewer = governance.owner.strip(), governance.reviewer.strip()
    high = governance.risk_tier == "high"
    found = []
    if owner and owner.casefold() == reviewer.casefold():
        found.append(
            Check(
                name="Owner and reviewer",
                severity="critical" if high else "warning",
                message=f"{owner!r} is both owner and reviewer: nobody independent challenges the"
                " model.",
                remedy="Name another reviewer",
            )
        )
    lacking = [key for key, value in (("owner", owner), ("reviewer", reviewer)) if not value]
    if lacking:
        found.append(
            Check(
                name="People not named",
                severity="critical" if high else "warning",
                message=f"The model has no {' and no '.join(lacking)}.",
                remedy=f"Set {' and '.join(f'governance.{key}' for key in lacking)}",
            )
        )
    if governance.risk_tier == "unrated":
        found.append(
            Check(
                name="Risk tier",
                severity="warning",
                message="Nobody has rated how much harm a wrong model can do.",
                remedy="Set governance.risk_tier",
            )
        )
    unsaid = [key for key, text in project.problem.model_dump().items() if not text.strip()]
    if unsaid:
        found.append(
            Check(
                name="Problem statement",
                severity="info",
                message=f"{len(unsaid)} of {len(type(project.problem).model_fields)} questions"
                f" about the problem are open: {', '.join(unsaid)}.",
                remedy="Answer them under `problem`: the report shows what is open as a gap",
            )
        )
    return found
