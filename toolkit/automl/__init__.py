"""The search for a model, the choice of the champion, and models that can be loaded again."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Model": "model",
        "choose": "champion",
        "load_champion": "model",
        "load_model": "model",
        "search": "search",
    },
)
