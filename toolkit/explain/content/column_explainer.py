"""The values of one column's texts or images within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import ContentRow, ContentValues
from toolkit.explain.content import image_patches, masking, text_tokens
from toolkit.explain.rows.scored_rows import ScoredRows
from toolkit.explain.shap import sampling
from toolkit.explain.shap.outputs import outputs, tolerance
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.explain.content.masking import Content
    from toolkit.explain.shap.sampling import Score
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor

EXACT_PARTS = 10
BUDGET = {"text": 60_000, "image": 20_000}
"""Rows that may be scored for all columns of a kind together."""
ORDERS = {"text": 200, "image": 64}
"""Orders drawn for a row where the budget allows it."""
_CONTENT = {"text": 50_000_000, "image": 1_000_000_000}  # characters, bytes
_DRAW = 6  # a stream of random numbers


@dataclass(frozen=True)
class ColumnResult:
    """The explained rows of one column.

    Attributes
    ----------
    column, kind : str
        Which column; text or image.
    rows : list of ContentRow
        The explained rows.
    orders : int
        Orders drawn where values are not exact.
    evaluations : int
        Rows scored.
    error, tolerance : float
        The largest additivity error, and what rounding may cause.
    """

    column: str
    kind: str
    rows: list[ContentRow]
    orders: int = 0
    evaluations: int = 0
    error: float = 0.0
    tolerance: float = 0.0


@dataclass(frozen=True)
class ColumnExplainer:
    """One column to explain; ``sharing`` columns of its kind share the budget."""

    stage: Stage
    model: Predictor
    score: Score
    column: str
    kind: str
    sharing: int

    def explain(
        self,
        frame: pd.DataFrame,
        numbers: np.ndarray,
        rows: ScoredRows,
        picked: list[tuple[int, str]],
    ) -> ColumnResult:
        """Return the values of some rows, ``picked`` by position with the reason why.

        Parameters
        ----------
        frame : pandas.DataFrame
            Typed rows, index 0, 1, ...
        numbers : ndarray of int64, shape (n,)
            Their numbers in the table.
        rows : ScoredRows
            What is true of them and what the model says.
        picked : list of (int, str)
            Which to explain, and why they were chosen.
        """
        if not picked:
            return ColumnResult(self.column, self.kind, [])
        places = np.array([place for place, _ in picked])
        chosen, numbers = frame.iloc[places].reset_index(drop=True), numbers[places]
        contents = [self._content(cell) for cell in chosen[self.column]]
        found, spent = self._found(chosen, numbers, contents)
        # Scored again as they stand in the table, in another order: contents that do not
        # survive being split and joined, or a model that is not the same twice, are detected here.
        output = self.score(chosen.iloc[::-1].reset_index(drop=True))[::-1]
        base = np.stack([each.base for each in found])
        total = base + np.stack([each.values.sum(axis=0) for each in found])
        space = "value" if self.model.task == "regression" else "probability"
        items = [
            self._row(content, chosen[self.column].iloc[i], int(numbers[i]), each, output[i])
            for i, (content, each) in enumerate(zip(contents, found, strict=True))
        ]
        items = [
            item.model_copy(
                update={
                    "why": why,
                    "actual": _label(rows.target[place]),
                    "predicted": _label(rows.decided[place]),
                    "outputs": self._shown(item, rows, place),
                }
            )
            for item, (place, why) in zip(items, picked, strict=True)
        ]
        return ColumnResult(
            self.column,
            self.kind,
            items,
            max(each.orders for each in found),
            spent + len(places),
            float(np.abs(total - output).max()),
            tolerance(np.concatenate([output, base]), space),
        )

    def _found(
        self, chosen: pd.DataFrame, numbers: np.ndarray, contents: Sequence[Content]
    ) -> tuple[list[_RowValues], int]:
        """Return the values of each row, and how many rows were scored for them."""
        active = np.array([int(content.differs.sum()) for content in contents])
        orders = self._orders(contents, active)
        found: dict[int, _RowValues] = {}
        spent = 0
        for exact in (True, False):
            some = np.flatnonzero((active <= EXACT_PARTS) == exact).tolist()
            if not some:
                continue
            self.stage.progress(f"{self.kind}s of {self.column}: scoring {len(some)} rows in parts")
            masked_rows = masking.Masking(
                self.score,
                chosen.iloc[some],
                self.column,
                [contents[i] for i in some],
                max(int(active[some].max()), 1) if exact else masking.MOST,
            )
            seeds = [[self.stage.project.seed, int(numbers[i]), _DRAW] for i in some]
            given = (
                sampling.enumerated(masked_rows)
                if exact
                else sampling.sampled(masked_rows, orders, seeds)
            )
            for at, (place, contributions) in enumerate(zip(some, given, strict=True)):
                value, error = sampling.summarise(contributions, 2)
                parts = np.flatnonzero(contents[place].differs)
                each = _RowValues.of(len(contents[place].differs), value.shape[1])
                each.values[parts] = value[: len(parts)]
                each.errors[parts] = error[: len(parts)]
                each.base[:] = masked_rows.base[at]
                found[place] = replace(each, orders=0 if exact else orders)
            spent += masked_rows.evaluations
        return [found[place] for place in range(len(contents))], spent

    def _content(self, cell: Any) -> Content:
        return text_tokens.text(cell) if self.kind == "text" else image_patches.image(cell)

    def _orders(self, contents: Sequence[Content], active: np.ndarray) -> int:
        """Return the orders that the budget allows, an even number."""
        most, asked = BUDGET[self.kind] // self.sharing, ORDERS[self.kind]
        exact = active <= EXACT_PARTS
        left = most - int((2.0 ** active[exact]).sum()) - 3 * len(active)
        steps = np.where(exact, 0, active - 1)
        sizes = np.array([content.size for content in contents])
        if not steps.any():
            return asked
        share = _CONTENT[self.kind] / self.sharing
        able = min(left // int(steps.sum()), int(share // int(steps @ sizes)))
        orders = max(2, min(asked, able) // 2 * 2)
        if orders < asked:
            self.stage.note(
                f"{self.kind.capitalize()}s of {self.column}: {orders} orders a row instead of"
                f" {asked}, to bound the rows ({most:,}) and their size; standard errors are larger"
            )
        return orders

    def _row(
        self, content: Any, cell: Any, number: int, found: _RowValues, output: np.ndarray
    ) -> ContentRow:
        own: dict[str, Any] = (
            {"parts": content.parts, "text": content.text, "words": content.words}
            if self.kind == "text"
            else {
                "image": images.thumbnail(cell, images.SIDE),
                "down": content.rows,
                "across": content.columns,
            }
        )
        return ContentRow(
            column=self.column,
            kind=self.kind,
            row=number,
            orders=found.orders,
            outputs=[
                ContentValues(
                    of=name,
                    base=float(found.base[k]),
                    output=float(output[k]),
                    values=found.values[:, k].tolist(),
                    standard_error=found.errors[:, k].tolist(),
                )
                for k, name in enumerate(outputs(self.model))
            ],
            **own,
        )

    def _shown(self, item: ContentRow, rows: ScoredRows, place: int) -> list[ContentValues]:
        """Return the outputs that are kept: the predicted class, and the actual if another."""
        if self.model.task != "multiclass":
            return item.outputs
        by_name = {each.of: each for each in item.outputs}
        names = dict.fromkeys((str(rows.decided[place]), str(rows.target[place])))
        return [by_name[name] for name in names if name in by_name]


@dataclass(frozen=True)
class _RowValues:
    """One row's values and errors (parts, outputs), and base (outputs,)."""

    values: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    orders: int = 0

    @classmethod
    def of(cls, parts: int, outputs: int) -> _RowValues:
        shape = (parts, outputs)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(outputs))


def _label(value: Any) -> str:
    return formats.number(value, 5) if isinstance(value, float) else str(value)
