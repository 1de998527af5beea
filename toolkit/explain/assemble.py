"""From SHAP values to the artefacts: importance, checks, and the long table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Check, Explanation, Importance
from toolkit.explain.shap.budgeted_values import Provenance
from toolkit.explain.shap.outputs import RowValues, unit
from toolkit.explain.shap.request import EXPECTED_GRADIENTS
from toolkit.explain.shap.strategy import StrategyResult
from toolkit.metrics.scores import mean
from toolkit.project.model import Project
from toolkit.table.images import images
from toolkit.table.measures import MEASURES, measure

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table import Predictor

_WORDS = {
    "interventional": "interventional",
    "tree_path_dependent": "tree-path-dependent",
    "expected_gradients": "expected gradients",
}
_STRAIGHT = (
    "The values are expected gradients and no SHAP values: the network's gradients are added up"
    " along straight lines from background rows to the explained row, also between categories,"
    " where no row lies. Like SHAP values they add up to the output."
)


def attribution_frame(values: RowValues) -> pd.DataFrame:
    """Return values in the long form of `Attributions`: by row, then class, then column."""
    import pandas as pd

    n, m, k = values.shap.shape
    texts = np.empty((n, m), dtype=object)
    numbers = np.full((n, m), np.nan)
    for place, columns in enumerate(values.groups.columns):
        if len(columns) == 1:
            kind = values.kinds.get(columns[0], "")
            texts[:, place], numbers[:, place] = _cells(values.frame[columns[0]], kind)
    shape = (n, k, m)
    return pd.DataFrame(
        {
            "row": np.broadcast_to(values.rows[:, None, None], shape).ravel(),
            "class": np.broadcast_to(
                np.array(values.classes, dtype=object)[None, :, None], shape
            ).ravel(),
            "column": np.broadcast_to(
                np.array(values.groups.names, dtype=object)[None, None, :], shape
            ).ravel(),
            "value": np.broadcast_to(texts[:, None, :], shape).ravel(),
            "number": np.broadcast_to(numbers[:, None, :], shape).ravel(),
            "shap": values.shap.transpose(0, 2, 1).ravel(),
            "standard_error": values.standard_error.transpose(0, 2, 1).ravel(),
        }
    ).astype({"class": "str", "column": "str", "value": "str"})


def _cells(cells: pd.Series, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return cells as text (missing stays missing) and as numbers where they are.

    The number of a text is its length, that of an image its mean brightness.
    """
    import pandas as pd

    missing = cells.isna().to_numpy()
    numbers = np.full(len(cells), np.nan)
    if kind in MEASURES:
        numbers = measure(cells, kind)
    if kind == "image":
        texts = np.array([images.describe(data) for data in cells], dtype=object)
    elif pd.api.types.is_numeric_dtype(cells):
        numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        texts = np.array([formats.number(number, 6) for number in numbers], dtype=object)
    elif pd.api.types.is_datetime64_any_dtype(cells):
        texts = (
            cells.dt.strftime("%Y-%m-%d %H:%M")
            .str.removesuffix(" 00:00")
            .to_numpy(dtype=object, copy=True)
        )
    else:
        texts = cells.astype(object).map(str).to_numpy(dtype=object, copy=True)
    texts[missing] = None
    return texts, numbers


def artifact(
    project: Project,
    model: Predictor,
    result: StrategyResult,
    suspects: Sequence[str] = (),
) -> Explanation:
    """Return the explanation of some rows, with its checks.

    `suspects` are the model's columns that may leak the target.
    """
    values, how = result.values, result.provenance
    plan = how.plan
    orders = plan.orders * plan.background
    importance = _importance(project, values)
    grouped = next((group for group in values.groups.columns if len(group) > 1), [])
    return Explanation(
        method=f"{values.method}; {_WORDS[values.feature_perturbation]}, on the original columns",
        strategy=result.strategy,
        refused=result.refused,
        output=_words(project, model, values.space),
        exact=values.exact,
        left_out=values.left_out,
        corrected=values.corrected,
        space=values.space,
        classes=values.classes,
        base={name: float(x) for name, x in zip(values.classes, values.base, strict=True)},
        rows=len(values.rows),
        background=plan.background,
        reference=how.reference,
        feature_perturbation=values.feature_perturbation,
        plan=plan.words(),
        permutations=orders if values.sampled else 0,
        evaluations=values.evaluations + how.screened,
        additivity_error=values.additivity_error,
        additivity_tolerance=values.tolerance,
        grouped=grouped,
        suspects=list(suspects),
        importance=importance,
        measures={name: MEASURES[k] for name, k in values.kinds.items() if k in MEASURES},
        checks=[*_about_suspects(suspects), *_checks(values, how, importance, grouped)],
    )


def _about_suspects(suspects: Sequence[str]) -> list[Check]:
    if not suspects:
        return []
    return [
        Check(
            name="Columns that may leak the target",
            severity="critical",
            message=f"The model uses {', '.join(suspects[:5])}"
            + (f" and {len(suspects) - 5} more" if len(suspects) > 5 else "")
            + ", marked ⚠ in figures and tables: a model without them may use the other columns"
            " differently.",
            columns=list(suspects),
            remedy="Say in 01_scoping when each is known (columns.<name>.known), and run again from"
            " 02_eda",
        )
    ]


def _background(how: Provenance) -> str:
    if not how.plan.background:
        return (
            f"Values are relative to {how.reference}: correlated columns share their contribution."
        )
    return (
        f"The mean output of the {how.plan.background:,} background rows differs by"
        f" {formats.number(how.gap, 2)} from that of the rows they were drawn from:"
        f" {how.reference}."
    )


def _words(project: Project, model: Predictor, space: str) -> str:
    if space != "margin":
        return unit(model, project.target.column)
    if model.task == "multiclass":
        return "log-odds of each class against the mean of all classes"
    return f"log-odds of the class {model.classes[1]}"


def _importance(project: Project, values: RowValues) -> dict[str, list[Importance]]:
    resampling, found = metrics.Resampling.of(project), {}
    for k, name in enumerate(values.classes):
        size, error = np.abs(values.shap[:, :, k]), values.standard_error[:, :, k].mean(axis=0)
        items = []
        for place, column in enumerate(values.groups.names):
            sizes = size[:, place]
            interval = metrics.interval(mean(sizes), len(sizes), resampling)
            items.append(
                Importance(column=column, mean_abs=interval, standard_error=float(error[place]))
            )
        found[name] = sorted(items, key=lambda item: -(item.mean_abs.value or 0.0))
    return found


def _checks(
    values: RowValues,
    how: Provenance,
    importance: dict[str, list[Importance]],
    grouped: list[str],
) -> list[Check]:
    error, most = values.additivity_error, values.tolerance
    adds = error <= most
    checks = [
        Check(
            name="Additivity",
            severity="ok" if adds else "critical",
            message=f"Base value plus contributions differ from the model's output by at most"
            f" {formats.number(error, 2)}; {formats.number(most, 2)} is tolerated.",
            remedy=""
            if adds
            else "Do not use the values: the model gives equal rows different outputs",
        )
    ]
    total = sum(i.mean_abs.value or 0 for items in importance.values() for i in items)
    noise = math.sqrt(sum(i.standard_error**2 for items in importance.values() for i in items))
    share = noise / total if total else 0.0
    drawn = "the orders and " if values.sampled else ""
    keys = "explain.background" + (" and explain.permutations" if values.sampled else "")
    checks.append(
        Check(
            name="Exactness",
            severity="ok" if share <= 0.25 else "warning",
            message=f"The standard error of a single row's values is {formats.share(share)} of"
            f" their"
            f" total size, from sampling {drawn}the background rows."
            if how.plan.background
            else "Nothing was sampled: the values have no standard error.",
            remedy="" if share <= 0.25 else f"Raise {keys}",
        )
    )
    checks.append(Check(name="Background", severity="info", message=_background(how)))
    if values.feature_perturbation == EXPECTED_GRADIENTS:
        checks.append(Check(name="Expected gradients", severity="info", message=_STRAIGHT))
    if how.plan.reductions:
        checks.append(
            Check(
                name="Cost of the explanation",
                severity="warning",
                message="Less than asked for was computed: " + " ".join(how.plan.reductions),
                remedy="Lower explain.rows to spend more on each row",
            )
        )
    if grouped:
        checks.append(
            Check(
                name="Wide table",
                severity="info",
                message=f"The {len(values.groups.names) - 1} columns with the largest effect are"
                f" explained one by one, {len(grouped):,} others together.",
            )
        )
    return checks
