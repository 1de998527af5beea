"""From a table to a tuned, explained, governed model, in Jupyter and headless."""

from toolkit._lazy import attach

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ProjectFile": "project.file",
        "Run": "run.folder",
        "open_stage": "run.stage",
        "load_model": "automl.model.scoring",
    },
)
