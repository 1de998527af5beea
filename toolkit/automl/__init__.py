"""The search for a model, the choice of the champion, and models that can be loaded again."""

from toolkit._lazy import attach

# No module may bear the name of a public function: importing it would hide the function.
__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Model": "model.saved_model",
        "choose": "champion",
        "forecast": "run_forecast",
        "load_champion": "model.saved_model",
        "load_model": "model.scoring",
        "missing_engines": "engines",
        "rechoose": "champion",
        "search": "search",
    },
)
