"""The most confident misclassified test images."""

from __future__ import annotations

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Thumbnail
from toolkit.evaluate.scores.scored_rows import ScoredTestRows
from toolkit.table.images import images

MOST = 24
_SIDE = 64


def mistakes(scored: ScoredTestRows) -> list[Thumbnail]:
    """Return small copies of the test images with the worst predictions, the worst first.

    Classes: wrong decisions, by the probability of what was decided. Numbers: the largest
    errors. Nothing where the table has no image column; the first where it has several.
    """
    columns = scored.part.columns
    name = next((name for name, column in columns.items() if column.type == "image"), None)
    if name is None:
        return []
    target = scored.part.target
    if scored.context.task == "regression":
        size = np.abs(scored.scores - target.astype(np.float64))
        order = np.argsort(-size, kind="stable")
    else:
        decided = metrics.class_codes(scored.decided, scored.context.classes)
        sure = scored.scores[np.arange(len(target)), decided]
        wrong = np.flatnonzero(scored.decided.astype(str) != target.astype(str))
        order = wrong[np.argsort(-sure[wrong], kind="stable")]
    found = []
    for place in order.tolist():
        data = scored.part.frame[name].iloc[place]
        small = images.thumbnail(data, _SIDE) if data is not None else ""
        if small:
            said = (
                f"→ {formats.number(scored.scores[place], 4)}"
                if scored.context.task == "regression"
                else f"→ {scored.decided[place]} ({formats.percent(sure[place])})"
            )
            actual = target[place]
            label = (
                formats.number(actual, 4) if scored.context.task == "regression" else str(actual)
            )
            row = int(scored.part.rows[place])
            found.append(Thumbnail(row=row, label=label, said=said, image=small))
        if len(found) == MOST:
            break
    return found
