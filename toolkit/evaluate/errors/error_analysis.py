"""Where the champion errs: a tree, confusions down to rows, and curves over ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics, table
from toolkit.artifacts import Check, Confusion, CurvePart, ErrorCurve, ErrorNode, ErrorsFound
from toolkit.artifacts.base import Severity
from toolkit.evaluate.errors import error_tree
from toolkit.evaluate.errors.error_tree import mean_interval
from toolkit.evaluate.scores.conditions import Conditions, conditions, described, movement
from toolkit.evaluate.scores.scored_rows import (
    ScoredTestRows,
    protected_columns,
    row_loss,
    score_part,
    some_rows,
)
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.artifacts import Interval
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

ROWS = 50_000
"""The most test rows that are looked at."""
_PAIRS = 12
_EXAMPLES = 10
_COLUMNS = 6
_TIMES = 8
_RANGES = 8
_FEWEST = 5


def errors(stage: Stage, model: Predictor) -> ErrorsFound:
    """Find where a model errs on the test rows, and write ``errors.json``.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``; it is called once, with at most 50,000 rows.

    Returns
    -------
    ErrorsFound
        A tree of the loss (see `error_tree.grow`); for classes, each pair of actual and
        decided class with the rows most certain and wrong; the mean residual, or for classes
        the mean loss, over time, over ranges of the prediction and over those of
        the columns that the model's output differs most with.

    Raises
    ------
    DataError
        When there are no test rows.
    ModelError
        When the model gives a row no number.
    """
    stage.progress("analysing errors")
    test = table.load_part(stage, "test")
    scored = score_part(stage, model, some_rows(test, ROWS, stage.project.seed))
    loss, loss_words = row_loss(scored)
    columns = described(scored.part, protected_columns(stage, scored.part))
    shown, measure = _shown(scored, loss, loss_words)
    root = loss_words == "squared error"
    loss_words = "root mean squared error" if root else f"mean {loss_words}"
    tree = error_tree.grow(columns, loss, scored.resampling, weights=scored.part.weights, root=root)
    stage.progress("errors over ranges and time")
    found = ErrorsFound(
        rows=len(scored.part),
        of_rows=len(test),
        loss=loss_words,
        mean_loss=_mean(scored, loss, root=root),
        tree=tree,
        confusions=_confusions(scored),
        measure=measure,
        overall=_mean(scored, shown),
        curves=_curves(scored, shown, columns, _time(stage, scored.part)),
        checks=_checks(tree, len(test), len(scored.part), loss_words),
    )
    stage.write(found)
    return found


def _mean(
    scored: ScoredTestRows,
    values: np.ndarray,
    inside: np.ndarray | None = None,
    *,
    root: bool = False,
) -> Interval:
    rows = slice(None) if inside is None else inside
    weights = scored.part.weights
    return mean_interval(
        values[rows],
        scored.resampling,
        weights=None if weights is None else weights[rows],
        root=root,
    )


def _shown(scored: ScoredTestRows, loss: np.ndarray, words: str) -> tuple[np.ndarray, str]:
    if scored.context.task != "regression":
        return loss, f"mean {words}"
    residual = scored.part.target.astype(np.float64) - scored.scores
    return residual, "mean residual (actual minus predicted)"


def _confusions(scored: ScoredTestRows) -> list[Confusion]:
    if scored.context.task == "regression":
        return []
    actual, decided = scored.part.target.astype(str), scored.decided.astype(str)
    sure = scored.scores[
        np.arange(len(actual)), metrics.class_codes(scored.decided, scored.context.classes)
    ]
    wrong = np.flatnonzero(actual != decided)
    pairs: dict[tuple[str, str], list[int]] = {}
    for place in wrong.tolist():
        pairs.setdefault((actual[place], decided[place]), []).append(place)
    ranked = sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
    result = []
    for (was, said), places in ranked[:_PAIRS]:
        order = np.asarray(places)[np.argsort(-sure[places], kind="stable")][:_EXAMPLES]
        result.append(
            Confusion(
                actual=was,
                decided=said,
                rows=len(places),
                share=len(places) / int((actual == was).sum()),
                examples=[int(row) for row in scored.part.rows[order]],
                certainty=[float(p) for p in sure[order]],
            )
        )
    return result


def _time(stage: Stage, part: Part) -> pd.Series | None:
    """Return the rows' time: that of the split, of the role `time`, or the first date."""
    from toolkit.artifacts import Rows

    name = time_column(stage.project)
    return None if name is None else stage.read(Rows).frame[name].iloc[part.rows]


def time_column(project: Project) -> str | None:
    """Return the column that orders rows in time, if there is one."""
    if project.split.method == "time":
        return project.split.column
    by_role = [name for name, column in project.columns.items() if column.role == "time"]
    dates = [
        name
        for name, column in project.columns.items()
        if column.type == "date" and column.use == "feature"
    ]
    return next(iter(by_role + dates), None)


def _curves(
    scored: ScoredTestRows,
    values: np.ndarray,
    columns: dict[str, pd.Series],
    time: pd.Series | None,
) -> list[ErrorCurve]:
    import pandas as pd

    first = scored.scores.reshape(len(values), -1)
    curves = []
    if time is not None:
        part = conditions(time, bins=_TIMES)
        curves.append(_curve(scored, values, part, str(time.name), "time"))
    over = {
        "regression": "prediction",
        "binary": f"probability of {(scored.context.classes or [''])[-1]}",
    }.get(scored.context.task, "probability of the likeliest class")
    output = first.max(axis=1) if scored.context.task == "multiclass" else first[:, -1]
    ranges = conditions(pd.Series(output, name=over), bins=_RANGES)
    curves.append(_curve(scored, values, ranges, over, "prediction"))
    parts = {n: conditions(v) for n, v in columns.items() if time is None or n != time.name}
    # Chosen by the output, not by the error: an error chosen for its size is biased.
    moved = {name: movement(part.codes, output) for name, part in parts.items()}
    kept = [name for name in parts if len(parts[name].names) > 1]
    kept.sort(key=lambda name: -moved[name])
    curves += [_curve(scored, values, parts[n], n, "column") for n in kept[:_COLUMNS]]
    return [curve for curve in curves if curve.parts]


def _curve(
    scored: ScoredTestRows, values: np.ndarray, part: Conditions, over: str, kind: str
) -> ErrorCurve:
    found = []
    for place in range(len(part.names)):
        inside = np.flatnonzero(part.codes == place)
        if len(inside) < _FEWEST:
            continue
        value = _mean(scored, values, inside)
        found.append(CurvePart(name=part.label(place), rows=len(inside), value=value))
    return ErrorCurve(over=over, kind=kind, parts=found)


def _checks(tree: list[ErrorNode], rows: int, looked: int, words: str) -> list[Check]:
    checks = []
    if looked < rows:
        message = f"{looked:,} of {rows:,} test rows, drawn at random, were analysed."
        checks.append(Check(name="Rows analysed", severity="info", message=message))
    leaves = [node for node in tree if node.leaf]
    bad = sorted((n for n in leaves if n.worse), key=lambda node: -(node.loss.value or 0.0))
    if not tree:
        message = (
            f"No error tree was grown: it takes {4 * error_tree.FEWEST} test rows with different"
            f" losses; there are {looked:,}."
        )
        return [*checks, Check(name="Error tree", severity="info", message=message)]
    if not bad:
        unclear = sum(node.verdict == "too few rows to tell" for node in leaves)
        message = f"None of {len(leaves)} leaves has a clearly higher {words} on held-out rows"
        message += f"; {unclear} have too few rows to tell." if unclear else "."
        severity: Severity = "info" if unclear else "ok"
        return [*checks, Check(name="Error tree", severity=severity, message=message)]
    message = (
        f"{len(bad)} of {len(leaves)} leaves {'has' if len(bad) == 1 else 'have'} a higher"
        f" {words} on rows held out from the tree; the highest: “{bad[0].where}”"
        f" ({bad[0].rows:,} rows, {formats.number(bad[0].loss.value)};"
        f" all {formats.number(tree[0].loss.value)})."
    )
    return [
        *checks,
        Check(
            name="Error tree",
            severity="warning",
            message=message,
            columns=bad[0].columns,
            remedy="Look for features or rows that carry more information about these cases",
        ),
    ]
