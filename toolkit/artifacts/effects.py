"""Global effects of the champion: effects, interactions, importances, a surrogate."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, Interval, JsonArtifact, Record


class Curve(Record):
    """The effect of one column on one output, in the unit of the model's output."""

    pdp: list[float]
    """Partial dependence: mean output with every sampled row set to the grid's value."""
    ale: list[float] = []
    """Accumulated local effects at the grid's values, 0 on average over the rows."""
    ale_low: list[float] = []
    ale_high: list[float] = []
    ice: list[list[float]] = []
    """Some rows' own outputs at the grid's values, a list a row."""


class FeatureEffect(Record):
    """The effect of one column on the output, along a grid of values that occur in the rows."""

    column: str
    kind: str
    """number, date or category."""
    grid: list[float] = []
    """Numbers; dates as days since 1970-01-01."""
    levels: list[str] = []
    """Categories, in the order in which effects are accumulated; missing is ``(missing)``."""
    counts: list[int]
    """Training rows of each level, or between each grid value and the next."""
    left_out: int = 0
    """Rarer categories that are not in the grid."""
    outside: list[float]
    """For each grid value, the share of its mixtures that lie outside the data."""
    related: list[str] = []
    """Columns by which, with this one, a mixture is judged to lie outside."""
    curves: dict[str, Curve]
    """By output."""


class PairStrength(Record):
    """How strongly two columns interact."""

    first: str
    second: str
    size: Interval
    """Root mean square of the part of their joint effect that is not additive, in the
    output's unit."""
    h: Interval
    """Friedman's H: the same over the size of the joint effect; None where that is negligible."""


class Interactions(Record):
    """Interactions between the most important columns."""

    columns: list[str] = []
    rows: int = 0
    """Rows at which effects are compared, and rows over which they are averaged."""
    pairs: list[PairStrength] = []
    strongest: dict[str, str] = {}
    """For a column, the column that it interacts with most, where it does at all."""


class ComparedImportance(Record):
    """One column's importance by permutation and by SHAP values."""

    column: str
    loss: Interval
    """By how much the metric gets worse when the column is shuffled between test rows."""
    rank: int | None
    """By that loss; None where the metric is not defined on the test rows."""
    shap: float
    """Mean absolute SHAP value, averaged over the outputs."""
    shap_rank: int
    why: str = ""
    """Where the ranks differ by much: why that may be."""


class PermutationComparison(Record):
    """Permutation importance beside SHAP importance."""

    metric: str
    rows: int
    of_rows: int
    repeats: int
    left_out: int = 0
    """Columns, the least important by SHAP values, that were not shuffled."""
    agreement: float | None = None
    """Spearman's correlation of the two ranks."""
    columns: list[ComparedImportance] = []


class RankStability(Record):
    """How far the rank of a column by SHAP values depends on the rows explained."""

    column: str
    rank: int
    kept: float
    """Share of resamples in which it has this rank."""
    low: int
    high: int
    """The ranks between which it lies in 95% of resamples."""
    top3: float
    """Share of resamples in which it is among the first three."""


class TreeNode(Record):
    """One node of the surrogate tree."""

    column: str = ""
    test: str = ""
    """The condition in words; empty for a leaf."""
    missing: str = ""
    """Where rows go whose cell is missing, if the column has such: yes or no."""
    yes: int = -1
    no: int = -1
    """Places of the next nodes."""
    rows: int
    values: dict[str, float]
    """Mean output, by output."""


class Surrogate(Record):
    """A small tree that approximates the champion."""

    depth: int = 0
    rows: int = 0
    test_rows: int = 0
    r2: float | None = None
    """Share of the variance of the champion's output on test rows that the tree explains."""
    agreement: float | None = None
    """Share of test rows on which both decide alike; None for regression."""
    left_out: list[str] = []
    """Columns that a tree cannot ask about: texts and images."""
    nodes: list[TreeNode] = []
    rules: list[str] = []
    """Every path to a leaf, in words."""


class GlobalEffects(JsonArtifact):
    """Global effects of the champion, from its predictions alone."""

    file: ClassVar[str] = "global_effects.json"
    former_file: ClassVar[str] = "views.json"
    stage: ClassVar[str] = "explain"

    output: str
    """What effects are measured in, in words; this need not be the unit of SHAP values."""
    outputs: list[str]
    """The outputs that curves are drawn for."""
    suspects: list[str] = []
    """Columns of the model that may leak the target: figures and tables mark them."""
    mean: dict[str, float]
    """Mean output over the sampled training rows."""
    rows: int
    """Training rows that the samples were drawn from."""
    of_rows: int
    """Training rows there are."""
    effect_rows: int = 0
    """Rows that partial dependence is averaged over."""
    ale_rows: int = 0
    evaluations: int
    """Rows that the model had to score."""
    effects: list[FeatureEffect] = []
    interactions: Interactions
    permutation: PermutationComparison
    stability: list[RankStability] = []
    surrogate: Surrogate
    checks: list[Check] = []
