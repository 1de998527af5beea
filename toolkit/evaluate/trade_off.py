"""Fairness against its cost: crossings of protected columns, ways to mitigate, the choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import Check, FairnessDetail, Mitigation, Rows, TradeOffPoint
from toolkit.errors import ProjectError
from toolkit.evaluate import stand_in
from toolkit.evaluate.conditions import Conditions, conditions
from toolkit.evaluate.crossings import cross
from toolkit.evaluate.curve import Policy, judge_policies
from toolkit.evaluate.fairness import fairness_statistic
from toolkit.evaluate.policies import decide_by_group, group_thresholds
from toolkit.evaluate.scored import Scored
from toolkit.evaluate.stage import score

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_COARSE = (0.5, 1.0)  # of methods that fit models
_COLUMNS = 3
_FIT_ROWS = 50_000
_WIDE = 1_000
_OF_A_CLASS = 10
_BY_CLASS = ("equal_opportunity_difference", "equalized_odds_difference")
_STAND_IN = "Mitigation in the fit"


def fairness_detail(stage: Stage, model: Predictor) -> FairnessDetail:
    """Compare crossings of protected columns, trace what fairness would cost, and write both.

    Policies are fitted on validation rows (a threshold for each group, of the champion's own
    calibrated score) or on training rows (a stand-in model), and judged on the test rows.
    Nothing about the champion is changed.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    DataError
        When there are no test rows.
    ProjectError
        When ``fairness.mitigation`` names no point of the curve.
    """
    project = stage.project
    stage.progress("crossing protected columns")
    test = table.load_part(stage, "test")
    scored = score(stage, model, test)
    rows = stage.read(Rows).frame
    protected = {name: rows[name].iloc[test.rows] for name in project.protected()}
    crossed = cross(project, scored, protected)
    asked, _ = metrics.resolve_fairness(project)
    binary = model.task == "binary"
    stand_in_metric = "demographic_parity_difference" if binary else "group_error_difference"
    metric = asked if asked != "none" else stand_in_metric
    traced, why = _Traced(), _no_curve(model.task, protected)
    if not why:
        traced = _trace(stage, model, scored, protected, rows, metric)
    detail = FairnessDetail(
        metric=metric,
        metric_asked=asked != "none",
        limit=project.fairness.limit,
        rows=len(test),
        minimum_group=project.fairness.minimum_group,
        crossings=crossed.crossings,
        crossing_verdicts=crossed.verdicts,
        crossings_left_out=crossed.left_out,
        rows_left_out=crossed.rows_left_out,
        fit_rows=traced.fit_rows,
        stand_in=stand_in.NAME if traced.stand_in_rows else "",
        stand_in_rows=traced.stand_in_rows,
        stand_in_of=traced.stand_in_of,
        curve=traced.curve,
        no_curve=why,
        checks=[*crossed.checks, *traced.checks],
    )
    return choose_mitigation(stage, detail)


def choose_mitigation(stage: Stage, detail: FairnessDetail) -> FairnessDetail:
    """Return the detail with the project's choice of a point in it, and write it.

    Raises
    ------
    ProjectError
        When ``fairness.mitigation`` names no point of the curve.
    """
    choice = stage.project.fairness
    chosen = None
    if choice.mitigation != "none":
        point = next((each for each in detail.curve if each.name == choice.mitigation), None)
        if point is None:
            raise ProjectError(
                f"there is no point {choice.mitigation!r} on the trade-off curve",
                where="fairness.mitigation",
                expected=", ".join(["none", *(each.name for each in detail.curve)]),
                remedy=detail.no_curve,
            )
        chosen = Mitigation(
            name=point.name,
            reason=choice.mitigation_reason.strip(),
            method=point.method,
            column=point.column,
            thresholds=point.thresholds,
            fallback=point.fallback,
            applies=point.method == "thresholds",
        )
    made = detail.model_copy(update={"mitigation": chosen})
    stage.write(made)
    return made


@dataclass
class _Traced:
    curve: list[TradeOffPoint] = field(default_factory=list)
    fit_rows: int = 0
    stand_in_rows: int = 0
    stand_in_of: int = 0
    checks: list[Check] = field(default_factory=list)


def _no_curve(task: str, protected: dict[str, pd.Series]) -> str:
    if not protected:
        return "No column is marked as protected, so there are no groups to bring together."
    if task != "binary":
        what = "a number is predicted" if task == "regression" else "there are several classes"
        return (
            f"Mitigation is traced for two classes only: here {what}, and no one threshold decides."
        )
    return ""


def _trace(
    stage: Stage,
    model: Predictor,
    scored: Scored,
    protected: dict[str, pd.Series],
    rows: pd.DataFrame,
    metric: str,
) -> _Traced:
    least = stage.project.fairness.minimum_group
    traced = _Traced()
    names = list(protected)[:_COLUMNS]
    if len(protected) > _COLUMNS:
        traced.checks.append(
            Check(
                name="Trade-off",
                severity="info",
                message=f"The trade-off is traced for {', '.join(names)}, the first of"
                f" {len(protected)} protected columns.",
                columns=list(protected),
            )
        )
    parts = {name: conditions(protected[name].rename(name)) for name in names}
    stage.progress("thresholds by group")
    policies = _by_threshold(stage, model, scored, parts, protected, rows, metric, traced)
    policies += _by_fit(stage, model, scored, parts, protected, rows, metric, traced)
    stage.progress("judging the trade-off on the test rows")
    traced.curve = judge_policies(
        policies,
        scored,
        parts,
        metric=metric,
        limit=stage.project.fairness.limit,
        minimum_group=least,
    )
    return traced


def _by_threshold(
    stage: Stage,
    model: Predictor,
    scored: Scored,
    parts: dict[str, Conditions],
    protected: dict[str, pd.Series],
    rows: pd.DataFrame,
    metric: str,
    traced: _Traced,
) -> list[Policy]:
    """Return the champion's own policies; only that of strength 0 where none can be fitted."""
    least = stage.project.fairness.minimum_group
    positive, single = model.classes[1], _threshold(scored)
    one = scored.scores[:, 1] >= single
    fit = _sampled(table.load_part(stage, "validation"), stage.project.seed)
    known = score(stage, model, fit, "validation") if len(fit) else None
    traced.fit_rows = len(fit)
    policies = []
    for name, part in parts.items():
        labels, groups = part.labels(), np.empty(0, dtype=np.int64)
        if known is not None:
            values = rows[name].iloc[fit.rows].rename(name)
            groups = _large(conditions(values, like=protected[name].rename(name)).codes, least)
            if metric in _BY_CLASS:
                groups = _with_both(groups, fit.target == positive)
            traced.checks += _about_fit(name, labels, groups, least)
        fitted = len(np.unique(groups[groups >= 0])) > 1
        for strength in STRENGTHS if fitted and known is not None else (0.0,):
            found = {}
            if fitted and known is not None and strength:
                found = group_thresholds(
                    metric,
                    known.scores[:, 1],
                    fit.target == positive,
                    groups,
                    threshold=single,
                    strength=strength,
                )
            limits = {labels[group]: each for group, each in found.items()}
            spelt = np.array([*labels, ""], dtype=object)[part.codes]
            decided = decide_by_group(scored.scores[:, 1], spelt, limits, single)
            policies.append(Policy("thresholds", name, strength, decided, one, limits, single))
    return policies


def _threshold(scored: Scored) -> float:
    from toolkit.metrics.decisions import threshold_of

    return threshold_of(scored.context)


def _sampled(part: Part, seed: int) -> Part:
    if len(part) <= _FIT_ROWS:
        return part
    kept = np.sort(np.random.default_rng(seed).choice(len(part), _FIT_ROWS, replace=False))
    return table.Part(
        rows=part.rows[kept],
        frame=part.frame.iloc[kept].reset_index(drop=True),
        target=part.target[kept],
        part=part.part[kept],
        columns=part.columns,
        weights=None if part.weights is None else part.weights[kept],
    )


def _large(codes: np.ndarray, least: int) -> np.ndarray:
    """Return the codes with -1 in place of groups that have too few rows."""
    counts = np.bincount(codes[codes >= 0], minlength=int(codes.max(initial=0)) + 1)
    return np.where((codes >= 0) & (counts[codes] >= least), codes, -1)


def _about_fit(column: str, labels: list[str], groups: np.ndarray, least: int) -> list[Check]:
    lacking = len(labels) - len(np.unique(groups[groups >= 0]))
    if not lacking:
        return []
    return [
        Check(
            name="Thresholds by group",
            severity="info",
            message=f"{lacking} of {len(labels)} groups of {column} have too few validation rows"
            f" ({least}, and {_OF_A_CLASS} of each class where error rates are compared) and keep"
            " the one threshold.",
            columns=[column],
            remedy="Raise split.validation, or lower fairness.minimum_group",
        )
    ]


def _by_fit(
    stage: Stage,
    model: Predictor,
    scored: Scored,
    parts: dict[str, Conditions],
    protected: dict[str, pd.Series],
    rows: pd.DataFrame,
    metric: str,
    traced: _Traced,
) -> list[Policy]:
    """Return policies that need a new fit, tried on the stand-in."""
    train = table.load_part(stage, "train")
    positive = model.classes[1]
    made = stand_in.make_stand_in(
        train, scored.part, positive, threshold=_threshold(scored), seed=stage.project.seed
    )
    why = _cannot(made)
    if why:
        traced.checks.append(Check(name=_STAND_IN, severity="info", message=why))
        return []
    traced.stand_in_rows, traced.stand_in_of = len(made.rows), len(train)
    if not stand_in.has_constraint(metric):
        traced.checks.append(
            Check(
                name=_STAND_IN,
                severity="info",
                message=f"No reduction is tried: there is none for {metric.replace('_', ' ')}.",
            )
        )
    known, plain = made.decide()
    policies = []
    for done, (name, part) in enumerate(parts.items()):
        stage.progress("mitigation in the fit, on a stand-in", done, len(parts))
        policies.append(Policy("stand-in", name, 0.0, plain, plain))
        values = rows[name].iloc[train.rows[made.rows]].rename(name)
        codes = conditions(values, like=protected[name].rename(name)).codes
        groups = _with_both(_large(codes, stage.project.fairness.minimum_group), made.actual)
        if len(np.unique(groups[groups >= 0])) < 2:
            traced.checks.append(
                Check(
                    name=_STAND_IN,
                    severity="info",
                    message=f"Nothing was tried for {name}: fewer than two of its groups have"
                    " enough training rows of both classes.",
                    columns=[name],
                )
            )
            continue
        policies += [
            Policy("reweighting", name, strength, made.reweighted(groups, strength), plain)
            for strength in _COARSE
        ]
        if stand_in.has_constraint(metric):
            spread = _spread(metric, made, known, groups)
            allowed = [(1 - strength) * spread for strength in _COARSE]
            policies += [
                Policy("reductions", name, strength, decided, plain)
                for strength, decided in zip(
                    _COARSE, made.reduced(metric, groups, allowed), strict=True
                )
            ]
    return policies


def _cannot(made: stand_in.StandIn) -> str:
    if not made.train.shape[1]:
        return "Nothing is tried: the model has no columns that a stand-in could take."
    if made.train.shape[1] > _WIDE:
        return f"Nothing is tried: {made.train.shape[1]:,} columns are too many for a stand-in."
    if len(np.unique(made.actual)) < 2:
        return "Nothing is tried: the training rows are all of one class."
    return ""


def _with_both(groups: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the groups with -1 in place of those with few rows of one of the classes."""
    kept = [
        group
        for group in np.unique(groups[groups >= 0])
        if np.bincount(actual[groups == group].astype(int), minlength=2).min() >= _OF_A_CLASS
    ]
    return np.where(np.isin(groups, kept), groups, -1)


def _spread(metric: str, made: stand_in.StandIn, decided: np.ndarray, groups: np.ndarray) -> float:
    """Return the unmitigated stand-in's difference on its own training rows."""
    actual = made.actual == 1
    error = (actual != decided).astype(np.float64)
    value = fairness_statistic(metric, actual, decided, error, groups)(made.weights)
    return value or 0.0
