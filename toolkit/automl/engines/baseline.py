"""Simple models on scikit-learn: what any search has to beat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.automl import skops_file
from toolkit.automl.engines.base import Candidate, Scorer, SearchTask, installed
from toolkit.table import make_preprocessor

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import AutoML

MODEL_FILE = "model.skops"
_MANY_ROWS = 100_000
_MOST_LEVELS = 254  # histogram boosting has 255 bins, and one is for missing


class BaselineEngine:
    """A linear model and a boosted one with scikit-learn's settings; nothing is tuned."""

    name = "baseline"
    packages = ("scikit-learn",)

    @property
    def version(self) -> str:
        """The version of scikit-learn."""
        return installed("scikit-learn")

    def available(self) -> str:
        """Return why the engine cannot be used here: it always can."""
        return ""

    def settings(self, choices: AutoML) -> dict[str, Any]:
        """Return the choices that the models depend on: none."""
        return {}

    def search(self, task: SearchTask) -> list[Candidate]:
        """Fit both models; one that cannot be fitted is a failure in part."""
        candidates = []
        recipes = (
            ("baseline_linear", _linear_family(task), _linear),
            ("baseline_boosting", "gradient boosting (untuned)", _boosting),
        )
        for done, (name, family, recipe) in enumerate(recipes):
            task.progress(f"baseline: {family}", done, len(recipes))
            try:
                pipeline = _fitted(recipe, task)
            except ValueError as error:
                first = str(error).splitlines()[0]
                task.failures.append(f"{name}: {first}")
                continue
            candidates.append(_candidate(name, family, pipeline, len(task.classes)))
            task.found(candidates[-1])
        return candidates

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a saved pipeline."""
        saved = skops_file.load(folder / MODEL_FILE)
        return _scorer(saved["pipeline"], saved["classes"])


def _linear_family(task: SearchTask) -> str:
    return "ridge regression" if task.task == "regression" else "logistic regression"


def _linear(task: SearchTask) -> list[Any]:
    from sklearn.linear_model import LogisticRegression, Ridge

    model = Ridge() if task.task == "regression" else LogisticRegression(max_iter=1000)
    return [make_preprocessor(task.train), model]


def _boosting(task: SearchTask) -> list[Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.preprocessing import OrdinalEncoder

    frame = task.train
    numbers = [n for n in frame.columns if frame[n].dtype.kind == "f"]
    categories = [n for n in frame.columns if n not in set(numbers)]
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=_MOST_LEVELS,
    )
    parts = [("category", encoder, categories), ("number", "passthrough", numbers)]
    kind = (
        HistGradientBoostingRegressor
        if task.task == "regression"
        else HistGradientBoostingClassifier
    )
    model = kind(
        categorical_features=list(range(len(categories))) or None,
        early_stopping=False,
        random_state=task.seed,
    )
    return [ColumnTransformer([part for part in parts if part[2]]), model]


def _fitted(recipe: Callable[[SearchTask], list[Any]], task: SearchTask) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits

    target = task.target.astype(float) if task.task == "regression" else task.codes()
    # On a small table threads cost more in waiting for each other than they bring.
    threads = 1 if len(task.train) < _MANY_ROWS else task.budget.threads
    with warnings.catch_warnings(), threadpool_limits(threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(*recipe(task)).fit(_plain(task.train), target)


def _plain(design: pd.DataFrame) -> pd.DataFrame:
    # Scikit-learn's encoders know NaN in object columns, not pandas's own missing value.
    texts = [name for name in design.columns if design[name].dtype.kind != "f"]
    return design.assign(
        **{name: design[name].astype(object).where(design[name].notna(), np.nan) for name in texts}
    )


def _scorer(pipeline: Any, classes: int) -> Scorer:
    def predict(design: pd.DataFrame) -> np.ndarray:
        if not classes:
            return np.asarray(pipeline.predict(_plain(design)), dtype=np.float64)
        known = pipeline.predict_proba(_plain(design))
        scores = np.zeros((len(design), classes))
        scores[:, pipeline.classes_] = known
        return scores

    return predict


def _candidate(name: str, family: str, pipeline: Any, classes: int) -> Candidate:
    def save(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        skops_file.save({"pipeline": pipeline, "classes": classes}, folder / MODEL_FILE)

    return Candidate(name, "baseline", family, _scorer(pipeline, classes), save)


ENGINE = BaselineEngine
