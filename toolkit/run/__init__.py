"""What was computed: the run folder, its manifest, and a stage's view of it."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Manifest": "manifest",
        "StageRecord": "manifest",
        "Run": "folder",
        "Stage": "stage",
        "open_stage": "stage",
        "is_current": "fingerprint",
    },
)
