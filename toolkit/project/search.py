"""The choices about the search, and about which of its models is used."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from toolkit.project.engine_names import BUILT_IN, EngineName
from toolkit.project.section import Section

ThresholdRule = Annotated[
    str, Field(pattern=r"^(cost|(precision|recall|flagged) (>=|<=) (0?\.\d+|[01](\.0+)?))$")
]
"""`cost`, or a limit on precision, recall or the flagged share."""


_LESS = 0.25
"""Share of the rows that are scored for explanation and robustness, below `thorough`."""


class Budget(Section):
    """What the search may spend. Counts replay exactly; seconds do not."""

    models: int | None = Field(default=None, ge=1)
    """How many models are fitted, over all engines; the preset's number if not given."""
    trials: int | None = Field(default=None, ge=1)
    """AutoKeras: how many architectures are tried; the preset's number if not given."""
    epochs: int | None = Field(default=None, ge=1)
    """AutoKeras: the most passes over the rows for a network; the preset's if not given."""
    seconds: float | None = Field(default=None, gt=0)
    """A wall-clock limit for the whole search; with it a replay may differ."""
    memory_gib: float = Field(default=4.0, gt=0)
    """Memory of H2O's Java heap; XGBoost takes as much again outside it."""
    threads: int = Field(default=2, ge=1)
    """Threads that the search shares out among what runs at once; a replay needs the same."""


class Constraints(Section):
    """What the champion must keep to; a model that does not is shown and never chosen by rule."""

    milliseconds: float | None = Field(default=None, gt=0)
    """The most time to score one row, in batches of 1,000."""
    interpretable: bool = False
    """Only models that can be read whole: linear models and single shallow trees."""
    monotonic: dict[str, Literal["increasing", "decreasing"]] = Field(default_factory=dict)
    """Number columns with which the prediction may only rise, or only fall."""
    exclude: list[str] = Field(default_factory=list)
    """Columns that no model gets, though their role is `feature`."""
    force: list[str] = Field(default_factory=list)
    """Columns that every model gets, and that the champion must be seen to use."""


class AutoML(Section):
    """The search for a model."""

    preset: Literal["quick", "balanced", "thorough"] = "balanced"
    """How many models, folds and networks, where the budget does not say, and how many rows are
    scored to explain the model; with `balanced` fewer where the table is large."""
    engines: list[EngineName] = Field(default_factory=lambda: list(BUILT_IN), min_length=1)
    """The engines that search. Those of other packages take part where they are named, so that
    what is installed changes no project."""
    folds: int | None = Field(default=None, ge=2, le=10)
    """Folds inside the training rows, the same for all engines; the preset's if not given."""
    budget: Budget = Field(default_factory=Budget)
    """What the search may spend."""
    rows: int = Field(default=1_000_000, ge=100)
    """The most training rows that the search learns from; of more it takes a sample."""
    early_stop: bool = True
    """Whether the search ends when its last round improved the ensemble by less than the interval
    can resolve."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs each class as if all were equally frequent."""
    augmentation: Literal["auto", "on", "off"] = "auto"
    """Images: whether networks see shifted and turned copies; `auto`: with few of them."""
    sanity: bool = True
    """Whether the best model is fitted again on shuffled labels, where its score must be no better
    than chance."""
    constraints: Constraints = Field(default_factory=Constraints)
    """What the champion must keep to."""
    exclude: list[str] = Field(default_factory=list)
    """Algorithms that are left out, by their family on the leaderboard or H2O's name."""

    @property
    def effort(self) -> float:
        """Share of what `thorough` spends to explain a model and to test its robustness."""
        return 1.0 if self.preset == "thorough" else _LESS


class H2O(Section):
    """Where H2O runs."""

    url: str | None = None
    """A cluster that is there already, such as `http://127.0.0.1:54321`; its login comes from
    the environment (`TOOLKIT_H2O_USER`, `TOOLKIT_H2O_PASSWORD`). By default the toolkit starts
    one node for itself."""
    parquet_mib: float = Field(default=64, ge=0)
    """Tables above this size are imported by H2O from a Parquet file, not pushed to it."""


class Choice(Section):
    """Which model is used, and how its score becomes a decision."""

    champion: str = "best"
    """`best` takes the top of the leaderboard; otherwise a model's name on it."""
    reason: str = ""
    """Why a model was chosen by hand; needed when it is not `best`."""
    calibration: Literal["auto", "none", "sigmoid", "isotonic"] = "auto"
    """`auto` keeps the calibration with the best cross-validated log loss."""
    ensemble: Literal["auto", "always", "never"] = "auto"
    """Whether `best` may be the ensemble across engines: `auto` takes it where it is better than
    the best single model by more than chance, on rows that chose neither."""
    threshold: Annotated[float, Field(ge=0, le=1)] | ThresholdRule = "cost"
    """Binary: `cost` minimises the cost matrix on out-of-fold rows; a limit such as
    `precision >= 0.9` keeps to it at the least cost; or a fixed number."""
    coverage: float = Field(default=0.9, gt=0.5, lt=1)
    """Nominal coverage of conformal intervals and sets."""

    @model_validator(mode="after")
    def _by_hand_needs_a_reason(self) -> Choice:
        if self.champion != "best" and not self.reason.strip():
            raise ValueError("a champion chosen by hand needs a `reason`")
        return self
