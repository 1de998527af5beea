"""What an explanation may cost, and what is reduced where it would cost more."""

from __future__ import annotations

from dataclasses import dataclass, field

from toolkit.project.model import Explain, Project

CELLS = 400_000_000
FEWEST_BACKGROUND = 20
FEWEST_ROWS = 20
MOST_COLUMNS = 60
"""A table with more columns is screened first."""
SINGLE_COLUMNS = 40
"""Columns of a wide table that are explained by themselves."""


@dataclass(frozen=True)
class CostPlan:
    """How many rows, background rows and orders are affordable.

    Attributes
    ----------
    rows, background : int
        How many rows are explained, and against how many; 0 where none plays a part.
    orders : int
        Orders for each pair of them.
    evaluations : int
        Rows that the model will be asked to score, about; 0 where none.
    points : int
        Gradients for each pair, where these are taken; else 0.
    reductions : list of str
        What was asked for and is not done, a sentence each.
    """

    rows: int
    background: int
    orders: int
    evaluations: int = 0
    points: int = 0
    reductions: list[str] = field(default_factory=list)

    def words(self) -> str:
        """Return the plan in a line."""
        if not self.background:
            return f"{self.rows:,} rows, from the trees and their training rows"
        pairs = f"{self.rows:,} rows against {self.background:,}"
        if self.points:
            return f"{pairs}, up to {self.points:,} gradients for each pair on average"
        if not self.evaluations:
            return f"{pairs}, from the model's own structure"
        return f"{pairs} in {self.orders:,} orders each, about {self.evaluations:,} rows scored"


EVALUATIONS = 400_000
"""The most rows that are scored where `explain.evaluations` does not say, with `thorough`."""
TREE_SECONDS = 120.0
"""Estimated seconds on one core that exact values of trees may take, with `thorough`."""
FEWEST_PAIRED = 25
"""Fewest background rows for exact values of trees: with fewer, sampling is more exact."""


def asked(project: Project) -> Explain:
    """Return the project's section, with the preset's number where it gives none."""
    if project.explain.evaluations is not None:
        return project.explain
    most = round(EVALUATIONS * project.automl.effort)
    return project.explain.model_copy(update={"evaluations": most})


def tree_background(background: int, seconds: float, most: float) -> int:
    """Return how many background rows exact values of trees can afford; 0 if too few.

    Parameters
    ----------
    background : int
        Background rows that were asked for.
    seconds, most : float
        What they would cost, see `toolkit.forests.seconds`, and may.
    """
    affordable = background
    if seconds > most:
        affordable = int(background * most / seconds)
    return affordable if affordable >= min(background, FEWEST_PAIRED) else 0


def budget(asked: Explain, columns: int) -> int:
    """Return how many rows of so many columns the model may be asked to score."""
    return max(2_000, min(asked.evaluations or EVALUATIONS, CELLS // max(1, columns)))


def lines(asked: Explain, rows: int, background: int, fewest: int, cells: int) -> CostPlan:
    """Fit lines between rows into the budget: fewer background rows first, then rows.

    Parameters
    ----------
    asked : Explain
        The project's section.
    rows, background : int
        Rows there are, at most as many as asked for.
    fewest : int
        Gradients that a line takes at least; where more are affordable, it may have them.
    cells : int
        Numbers of one row's gradients.
    """
    most = budget(asked, cells)
    rows, background, reductions = _fewer(most, rows, background, fewest)
    points = max(fewest, most // (rows * background))
    return CostPlan(rows, background, 1, rows * background * points, points, reductions)


def plan(asked: Explain, rows: int, background: int, steps: float, columns: int) -> CostPlan:
    """Fit what was asked for into the budget: fewer orders first, then background, then rows.

    Parameters
    ----------
    asked : Explain
        The project's section.
    rows, background : int
        Rows there are, at most as many as asked for.
    steps : float
        Mean evaluations for one order of one pair of row and background row.
    columns : int
        Columns the model has to be given.
    """
    most = budget(asked, columns)
    orders = 1
    if asked.permutations > background:
        orders = -(-asked.permutations // background)
        orders += orders % 2
    reductions = []

    def cost() -> float:
        return rows * background * orders * steps

    if cost() > most and orders > 1:
        affordable = max(1, int(most // max(1.0, rows * background * steps)))
        affordable -= affordable % 2 if affordable > 1 else 0
        if affordable < orders:
            reductions.append(
                f"{affordable * background:,} orders a row instead of {orders * background:,}."
            )
            orders = affordable
    if cost() > most:
        rows, background, less = _fewer(most, rows, background, orders * steps)
        reductions += less
    return CostPlan(rows, background, orders, max(1, round(cost())), reductions=reductions)


def _fewer(most: int, rows: int, background: int, steps: float) -> tuple[int, int, list[str]]:
    """Return how many rows and background rows are affordable, and what was reduced."""
    reductions = []
    if rows * background * steps > most:
        affordable = int(most // max(1.0, rows * steps))
        affordable = min(background, max(affordable, FEWEST_BACKGROUND))
        if affordable < background:
            reductions.append(f"{affordable} background rows instead of {background}.")
            background = affordable
    if rows * background * steps > most:
        affordable = min(rows, max(int(most // max(1.0, background * steps)), FEWEST_ROWS))
        if affordable < rows:
            reductions.append(f"{affordable} explained rows instead of {rows}.")
            rows = affordable
    return rows, background, reductions
