"""What ``06_explain`` finds inside texts and images."""

from __future__ import annotations

from typing import ClassVar, Literal

from toolkit.artifacts.base import Check, JsonArtifact, Record


class ContentValues(Record):
    """How the parts of one row's content move one output."""

    of: str
    """The class, or ``value``."""
    base: float
    """The output when all parts are taken away and the row's other columns stay."""
    output: float
    """The output of the row as it is."""
    values: list[float]
    """Shapley values of the parts, in the output's unit."""
    standard_error: list[float]
    """Of each value, over the orders drawn; 0 where they are exact."""


class ContentRow(Record):
    """The contributions of the parts of one row's text or image."""

    column: str
    kind: Literal["text", "image"]
    row: int
    """Its number in the table."""
    why: str = ""
    """Why it was chosen, in words."""
    actual: str = ""
    predicted: str = ""
    orders: int
    """Orders drawn; 0 where all coalitions were enumerated."""
    parts: list[tuple[int, int]] = []
    """Texts: where each part begins and ends, in characters."""
    text: str = ""
    words: int = 0
    """Texts: how many words there are; more than parts where neighbours were taken together."""
    image: str = ""
    """Images: a ``data:`` address."""
    down: list[int] = []
    """Images: where patches begin and end, in pixels from the top."""
    across: list[int] = []
    """Images: where patches begin and end, in pixels from the left."""
    outputs: list[ContentValues]
    """The predicted class first, then the actual one where that is another."""


class WordEffect(Record):
    """A word over the explained texts that hold it."""

    word: str
    """In lower case."""
    rows: int
    mean_abs: float
    """Mean size of its value in a row, all its places together."""
    mean: float


class ContentColumn(Record):
    """One column of texts or images, over its explained rows."""

    column: str
    kind: Literal["text", "image"]
    masking: str
    """What stands in the place of a part that is taken away."""
    rows: int
    empty: int
    """Test rows looked at that have no content."""
    parts: int
    """Over all explained rows."""
    unclear: int
    """Parts whose value is smaller than twice its standard error."""
    noise: float
    """Sum of the standard errors over the sum of the sizes of the values."""
    orders: int
    """Orders drawn for a row; 0 where all rows are exact."""
    words: list[WordEffect] = []
    """Texts: words that at least two explained rows hold, the strongest first."""


class ContentExplanation(JsonArtifact):
    """The contributions of words and patches in the texts and images of some test rows."""

    file: ClassVar[str] = "content_explanation.json"
    stage: ClassVar[str] = "explain"

    said: str
    """What was explained, or why nothing was."""
    output: str = ""
    """What the values add up to, in words."""
    looked: int = 0
    """Test rows that the explained ones were chosen from."""
    evaluations: int = 0
    """Rows that the model had to score."""
    additivity_error: float = 0.0
    """Largest absolute difference between base plus values and an independently scored output."""
    additivity_tolerance: float = 0.0
    columns: list[ContentColumn] = []
    rows: list[ContentRow] = []
    checks: list[Check] = []
