"""The champion as MLflow runs it. MLflow copies this file next to the model and executes it."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class ChampionModel(PythonModel):
    """Scores rows, from whatever reader they come, with the run's champion."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model folder that was logged with it."""
        from toolkit import load_model

        self._model = load_model(context.artifacts["model"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return ``p:<class>`` and ``predicted`` (classes), or ``predicted`` (numbers).

        The parameter ``unusual`` (warn, error or ignore) says what happens where rows are unlike
        the training rows.
        """
        model = self._model
        scores = model.predict(model_input, unusual=(params or {}).get("unusual", "warn"))
        columns = {f"p:{name}": scores[:, i] for i, name in enumerate(model.classes)}
        return pd.DataFrame({**columns, "predicted": model.decide(scores)}, index=model_input.index)


set_model(ChampionModel())
