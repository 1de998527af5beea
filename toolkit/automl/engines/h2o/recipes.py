"""The settings that H2O AutoML gives to a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2o
from h2o.job import H2OJob
from h2o.two_dim_table import H2OTwoDimTable

from toolkit.automl.engines.h2o import frames, keys
from toolkit.automl.engines.h2o.client import forget
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
    few, project = table.sample().frame_id, keys.unique("automl")
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
    # The client's H2OAutoML sends leaderboard and event log back to the server as two frames:
    # three times the time that the step takes.
    H2OJob(h2o.api("POST /99/AutoMLBuilder", json=order), "AutoML").poll()
    state = h2o.api(f"GET /99/AutoML/{project}")
    models = [model["name"] for model in (state.get("leaderboard") or {}).get("models") or []]
    try:
        if not models:
            raise EngineError(f"H2O AutoML made no model: {_event(state['event_log_table'])}")
        model = h2o.get_model(models[0])
    finally:
        forget(*models, project)
    chosen = {
        name: values["input"]
        for name, values in model.params.items()
        if name not in _TUNED_HERE and values["input"] != values["default"]
    }
    return str(model.algo), chosen


def _event(log: H2OTwoDimTable | None) -> str:
    if log is None:
        return "its event log is empty"
    worse = [
        keys.MARK.sub("", str(message)).splitlines()[0]
        for level, message in zip(log["level"], log["message"], strict=True)
        if str(level).lower() in ("warn", "error", "fatal") and str(message).strip()
    ]
    return worse[-1][:300] if worse else "its event log does not say why"
