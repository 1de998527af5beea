"""The governance report: claims (run to ``report.json``), render (``report.json`` to HTML)."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__, {"claims": "claims", "render": "render", "write_report": "render"}
)
