"""The settings that H2O AutoML gives to a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.automl.engines.h2o import frames, keys
from toolkit.automl.engines.h2o.training_table import PLACE, WEIGHT
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.training_table import TrainingTable

_TUNED_HERE = {
    "model_id", "training_frame", "validation_frame", "response_column", "fold_column",
    "weights_column", "offset_column", "ignored_columns", "nfolds", "fold_assignment",
    "keep_cross_validation_predictions", "keep_cross_validation_models", "seed",
    "stopping_rounds", "stopping_metric", "stopping_tolerance", "score_tree_interval",
    "max_runtime_secs", "export_checkpoints_dir", "monotone_constraints",
}  # fmt: skip


def recipe(table: TrainingTable, settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the algorithm of a step and the parameters that AutoML gives it.

    AutoML is asked to take that one step on a few of the rows; what it chose besides its
    defaults is read from the model. What depends on rows (rounds, regularisation) is found
    later, on the shared folds.

    Raises
    ------
    EngineError
        If AutoML makes no model of it; with the reason from its event log.
    """
    server, few = table.server, table.sample()
    project = keys.unique("automl")
    group = "DRF" if settings["algorithm"] == "XRT" else settings["algorithm"]
    inputs = {
        "training_frame": few,
        "validation_frame": few,
        "leaderboard_frame": few,
        "response_column": frames.TARGET,
        "ignored_columns": [PLACE, WEIGHT] if table.weighted else [PLACE],
    }
    order = {
        "build_control": {
            "project_name": project,
            "nfolds": 0,
            "stopping_criteria": {
                "max_models": 1,
                "seed": settings["seed"],
                # The model is thrown away: the first trees will do.
                "stopping_rounds": 1,
                "stopping_tolerance": 0.9,
            },
        },
        "build_models": {"modeling_plan": [{"name": group, "steps": [{"id": settings["step"]}]}]},
        "input_spec": inputs,
    }
    job = server.post_json("/99/AutoMLBuilder", order)
    server.wait(job["job"]["key"]["name"])
    state = server.get(f"/99/AutoML/{project}")
    try:
        models = [model["name"] for model in (state.get("leaderboard") or {}).get("models") or []]
        if not models:
            raise EngineError(f"H2O AutoML made no model: {_reason(state)}")
        record = server.get(f"/3/Models/{models[0]}")["models"][0]
    finally:
        keys.forget(server, *(m["name"] for m in state["leaderboard"]["models"]), project)
    chosen = {
        parameter["name"]: parameter["input_value"]
        for parameter in record["parameters"]
        if parameter["name"] not in _TUNED_HERE
        and parameter["input_value"] != parameter["default_value"]
    }
    return str(record["algo"]), chosen


def _reason(state: dict[str, Any]) -> str:
    log = state.get("event_log_table") or {}
    names = [column["name"] for column in log.get("columns", [])]
    if "level" not in names or "message" not in names:
        return "its event log is empty"
    rows = zip(log["data"][names.index("level")], log["data"][names.index("message")], strict=True)
    worse = [
        keys.MARK.sub("", str(message)).splitlines()[0]
        for level, message in rows
        if str(level).lower() in ("warn", "error", "fatal") and str(message).strip()
    ]
    return worse[-1][:300] if worse else "its event log does not say why"
