"""Artefacts of ``03_label_review``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, FrameArtifact, JsonArtifact, Record


class LabelScores(FrameArtifact):
    """One line for each row with a known label, in row order.

    ``row``, ``given``, ``suggested`` (label as text, or number for regression),
    ``score`` (0 to 1, lower is more suspicious), ``issue`` (bool: cleanlab's verdict),
    ``rank`` (0 is the most suspicious).
    """

    file: ClassVar[str] = "label_scores.parquet"
    stage: ClassVar[str] = "label_review"
    columns: ClassVar[tuple[str, ...]] = ("row", "given", "suggested", "score", "issue", "rank")


class LabelPatch(FrameArtifact):
    """What people decided, net of undo: ``row``, ``action`` (accept, relabel, drop),
    ``label`` (text; only for relabel), ``by``, ``at``, ``reason``.

    Rows not listed are as they were. The table itself is never changed.
    """

    file: ClassVar[str] = "label_patch.parquet"
    stage: ClassVar[str] = "label_review"
    columns: ClassVar[tuple[str, ...]] = ("row", "action", "label")


class Reviewer(Record):
    """How much one person looked at."""

    name: str
    decisions: int


class LabelReview(JsonArtifact):
    """The state of the review."""

    file: ClassVar[str] = "label_review.json"
    stage: ClassVar[str] = "label_review"

    model: str
    """Where the out-of-sample probabilities come from."""
    metric: str
    model_score: float | None
    """The quick model's out-of-sample score: the ranking is only as good as this."""
    rows: int
    issues: int
    """Rows that cleanlab flags."""
    issues_by_class: dict[str, int] = {}
    queued: int
    reviewed: int
    accepted: int
    relabelled: int
    dropped: int
    skipped: int
    reviewers: list[Reviewer] = []
    events_digest: str | None
    """SHA-256 of the event log; None if there is none: no person reviewed the labels."""
    applied: bool
    checks: list[Check] = []
