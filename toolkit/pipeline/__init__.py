"""The notebooks without a browser: papermill, one lock, one JVM, signals and exit codes."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "RunSummary": "summary",
        "Request": "plan",
        "outcome": "summary",
        "run_project": "chain",
        "stages_of": "plan",
    },
)
