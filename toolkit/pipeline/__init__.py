"""The notebooks without a browser: papermill, one lock, one JVM, signals and exit codes."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Request": "plan",
        "RunResult": "run_result",
        "read_run": "run_result",
        "run": "headless",
        "stages_of": "plan",
    },
)
