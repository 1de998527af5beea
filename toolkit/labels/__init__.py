"""The search for wrong labels: a quick model, a ranking, and what reviewers decided."""

from toolkit._lazy import attach

_MODULES = {
    "content": "RowIndex",
    "events": "Decision Replay replay",
    "queue": "Item Queue",
    "quick": "Predictions out_of_sample",
    "ranking": "rank_classes rank_numbers",
    "review": "open_queue record_decisions score_labels",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
