"""Explanations inside texts and images: which words, which patches moved the model.

The parts of one row's content are the players, the row's other columns stay as they are, and a
part is removed as its module says (`tokens`, `heat`). The base is the row with all parts removed
(as in LIME and SHAP for texts and images: Ribeiro et al. 2016, Lundberg and Lee 2017); values are
Shapley values, enumerated where at most ten parts matter, else over orders drawn in antithetic
pairs (Mitchell et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import table
from toolkit.artifacts import ContentExplanation, ContentRow, ContentValues
from toolkit.errors import DataError
from toolkit.explain import heat, masking, shapley, tokens
from toolkit.explain.inside_words import column_facts, explanation
from toolkit.explain.rows import outputs, scorer, tolerance
from toolkit.explain.telling import Told, choose, told
from toolkit.table import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.explain.masking import Content
    from toolkit.explain.shapley import Score
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

EXACT_PLAYERS = 10
LOOKED = 5_000
"""Test rows that explained ones are chosen from."""
BUDGET = {"text": 60_000, "image": 20_000}
"""Rows that may be scored for all columns of a kind together."""
ORDERS = {"text": 200, "image": 64}
"""Orders drawn for a row where the budget allows it."""
_CONTENT = {"text": 50_000_000, "image": 1_000_000_000}  # characters, bytes
_LOOK, _DRAW = 5, 6  # streams of random numbers
_CHOSEN = "chosen by hand"


def inside(stage: Stage, model: Predictor) -> ContentExplanation:
    """Explain the texts and images of some telling test rows, and write the artefact.

    Up to six rows a column: the most certain that are right and wrong, and the nearest to the
    threshold. Without columns of texts or images the model is not called.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    ModelError
        When the model gives a row no number.
    """
    kinds = _kinds(model)
    if not kinds:
        found = ContentExplanation(said="The model takes no texts or images.")
        stage.write(found)
        return found
    test = table.load_part(stage, "test")
    if not len(test):
        raise DataError("there are no test rows", remedy="Raise split.test, or give more rows")
    score = scorer(model)
    looked = np.arange(len(test))
    if len(test) > LOOKED:
        generator = np.random.default_rng([stage.project.seed, _LOOK])
        looked = np.sort(generator.choice(len(test), LOOKED, replace=False))
    stage.progress("choosing rows whose texts and images are explained")
    frame = test.frame.iloc[looked].reset_index(drop=True)
    rows = told(model, score(frame), test.target[looked])
    parts = []
    for name, kind in kinds.items():
        usable = _usable(frame[name], kind)
        picked = choose(rows, usable)
        job = _Job(stage, model, score, name, kind, sum(k == kind for k in kinds.values()))
        numbers = test.rows[looked]
        made = job.explain(frame, numbers, rows, picked)
        parts.append((made, int(_blank(frame[name], kind).sum())))
    facts = [column_facts(made, empty) for made, empty in parts]
    found = explanation(stage.project, model, [made for made, _ in parts], facts, len(looked))
    stage.write(found)
    for check in found.checks:
        if check.severity in ("critical", "warning"):
            stage.note(f"{check.name}: {check.message}")
    return found


def inside_explainer(stage: Stage, model: Predictor) -> Callable[[int], list[ContentRow]]:
    """Return a function that takes the texts and images of one more test row apart.

    It takes a row's number in the table and gives an item for each of its texts and images.

    Raises
    ------
    DataError
        By that function, for a row that is not among the test rows.
    """
    kinds = _kinds(model)
    loaded: list[Part] = []

    def one(row: int) -> list[ContentRow]:
        if not kinds:
            return []
        test = loaded[0] if loaded else table.load_part(stage, "test")
        loaded[:] = [test]
        place = np.flatnonzero(test.rows == row)
        if not len(place):
            raise DataError(
                f"row {row} is not a test row",
                expected=f"one of {len(test):,} rows"
                + (f", such as {test.rows[0]}" if len(test) else ""),
            )
        score, frame = scorer(model), test.frame.iloc[place].reset_index(drop=True)
        rows = told(model, score(frame), test.target[place])
        found = []
        for name, kind in kinds.items():
            if len(_usable(frame[name], kind)):
                job = _Job(stage, model, score, name, kind, 1)
                found += job.explain(frame, test.rows[place], rows, [(0, _CHOSEN)]).rows
        return found

    return one


def _kinds(model: Predictor) -> dict[str, str]:
    return {n: c.type for n, c in model.columns.items() if c.type in ("text", "image")}


def _blank(cells: pd.Series, kind: str) -> np.ndarray:
    """Return which cells hold nothing that could be explained."""
    if kind == "image":
        return np.array([data is None or images.describe(data) == "unreadable" for data in cells])
    return np.array([not isinstance(cell, str) or not cell.strip() for cell in cells])


def _usable(cells: pd.Series, kind: str) -> np.ndarray:
    """Return positions with content, equal contents once."""
    first: dict[Any, int] = {}
    for place in np.flatnonzero(~_blank(cells, kind)).tolist():
        first.setdefault(cells.iloc[place], place)
    return np.array(list(first.values()), dtype=np.int64)


@dataclass(frozen=True)
class Made:
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
class _Job:
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
        rows: Told,
        picked: list[tuple[int, str]],
    ) -> Made:
        if not picked:
            return Made(self.column, self.kind, [])
        places = np.array([place for place, _ in picked])
        chosen, numbers = frame.iloc[places].reset_index(drop=True), numbers[places]
        contents = [self._content(cell) for cell in chosen[self.column]]
        found, spent = self._found(chosen, numbers, contents)
        # Scored again as they stand in the table, in another order: contents that do not
        # survive the taking apart, or a model that is not the same twice, are found out here.
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
        return Made(
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
    ) -> tuple[list[_Found], int]:
        """Return the values of each row, and how many rows were scored for them."""
        active = np.array([int(content.differs.sum()) for content in contents])
        orders = self._orders(contents, active)
        found: dict[int, _Found] = {}
        spent = 0
        for exact in (True, False):
            some = np.flatnonzero((active <= EXACT_PLAYERS) == exact).tolist()
            if not some:
                continue
            self.stage.progress(f"{self.kind}s of {self.column}: scoring {len(some)} rows in parts")
            game = masking.Masking(
                self.score,
                chosen.iloc[some],
                self.column,
                [contents[i] for i in some],
                max(int(active[some].max()), 1) if exact else masking.MOST,
            )
            seeds = [[self.stage.project.seed, int(numbers[i]), _DRAW] for i in some]
            given = shapley.enumerated(game) if exact else shapley.sampled(game, orders, seeds)
            for at, (place, contributions) in enumerate(zip(some, given, strict=True)):
                value, error = shapley.summarise(contributions, 2)
                players = np.flatnonzero(contents[place].differs)
                each = _Found.of(len(contents[place].differs), value.shape[1])
                each.values[players] = value[: len(players)]
                each.errors[players] = error[: len(players)]
                each.base[:] = game.base[at]
                found[place] = replace(each, orders=0 if exact else orders)
            spent += game.evaluations
        return [found[place] for place in range(len(contents))], spent

    def _content(self, cell: Any) -> Content:
        return tokens.text(cell) if self.kind == "text" else heat.image(cell)

    def _orders(self, contents: Sequence[Content], active: np.ndarray) -> int:
        """Return the orders that the budget allows, an even number."""
        most, asked = BUDGET[self.kind] // self.sharing, ORDERS[self.kind]
        exact = active <= EXACT_PLAYERS
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
        self, content: Any, cell: Any, number: int, found: _Found, output: np.ndarray
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
            kind=self.kind,  # type: ignore[arg-type]
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

    def _shown(self, item: ContentRow, rows: Told, place: int) -> list[ContentValues]:
        """Return the outputs that are kept: the predicted class, and the actual if another."""
        if self.model.task != "multiclass":
            return item.outputs
        by_name = {each.of: each for each in item.outputs}
        names = dict.fromkeys((str(rows.decided[place]), str(rows.target[place])))
        return [by_name[name] for name in names if name in by_name]


@dataclass(frozen=True)
class _Found:
    """One row's values and errors (players, outputs), and base (outputs,)."""

    values: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    orders: int = 0

    @classmethod
    def of(cls, players: int, outputs: int) -> _Found:
        shape = (players, outputs)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(outputs))


def _label(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
