"""The one-way mirror of a run to MLflow."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__, {"Store": "store", "find_store": "store", "mirror": "mirror"}
)
