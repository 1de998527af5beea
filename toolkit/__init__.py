"""From a table to a tuned, explained, governed model, in Jupyter and headless.

`new` makes a project from a table, `run` takes it through the notebooks, `read_run` opens what
was computed, and `load_model` a model that scores rows.
"""

from toolkit._lazy import attach

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ProjectFile": "project.file",
        "Run": "run.folder",
        "load_model": "automl.model.scoring",
        "new": "data.project_creation",
        "open_stage": "run.stage",
        "read_run": "pipeline.run_result",
        "run": "pipeline.headless",
    },
)
