"""What a task asks of boosting and forests: its scale and its constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.automl.engines.target_scale import may_be_logged
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask, TaskFacts


_MEDIAN_METRICS = ("mae", "median_absolute_error")
"""Those that are `least_at_median`: a trial's code does not depend on how metrics are computed."""


def median_wanted(facts: TaskFacts) -> bool:
    """Return whether the ranking metric is least at the median, not at the mean."""
    return facts.metric in _MEDIAN_METRICS


def outcome_kind(task: SearchTask, settings: dict[str, Any]) -> str:
    """Return the scale in which a trial learns a number, see `Outcome`."""
    wanted = settings.get("skewed", "")
    if task.facts.classes or not wanted or not may_be_logged(task.target):
        return "plain"
    if wanted == "log" and median_wanted(task.facts):
        return "log_median"
    return str(wanted)


def enforced(facts: TaskFacts) -> bool:
    """Return whether boosting can keep to the monotonic constraints of a task.

    With several classes a tree ensemble constrains each class's margin, not its probability.
    """
    kinds = {facts.columns[name]["type"] for name in facts.monotonic}
    return bool(kinds) and kinds <= {"number", "boolean"} and facts.task != "multiclass"


def signs(task: SearchTask, columns: list[str]) -> list[int] | None:
    """Return 1, -1 or 0 for each design column; None without constraints.

    Raises
    ------
    EngineError
        If a constrained column reaches models otherwise than as itself alone.
    """
    wanted = task.facts.monotonic
    if not enforced(task.facts):
        return None
    origin = task.inputs.features.origin
    for name in wanted:
        derived = [column for column, source in origin.items() if source == name]
        if derived != [name]:
            raise EngineError(
                f"{name!r} reaches models as {', '.join(derived) or 'nothing'}: a constraint on"
                " it cannot be kept",
                where="automl.constraints.monotonic",
            )
    direction = {name: 1 if way == "increasing" else -1 for name, way in wanted.items()}
    return [direction.get(column, 0) for column in columns]
