"""What people chose: the model of ``project.yaml``, the file itself, and its history."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Project": "model",
        "ProjectFile": "file",
        "Source": "sources",
        "json_schema": "schema",
        "reference": "schema",
    },
)
