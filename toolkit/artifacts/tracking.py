"""Artefact of the mirror to MLflow."""

from __future__ import annotations

import html
from typing import ClassVar, Literal

from toolkit.artifacts.base import JsonArtifact


class Mirror(JsonArtifact):
    """Where the run was mirrored to, or why it was not.

    Numbers and names that MLflow gives differ between equal runs; nothing reads this file.
    """

    file: ClassVar[str] = "tracking.json"
    stage: ClassVar[str] = "report"
    time_fields: ClassVar[tuple[str, ...]] = (
        "mlflow_run", "model_uri", "model_version", "reason", "seconds",
    )  # fmt: skip

    status: Literal["done", "off", "failed"]
    reason: str = ""
    """Why it is not done, or what is missing in the copy; one sentence."""
    uri: str = ""
    """Tracking URI without a password; a local file is relative to the project."""
    experiment: str = ""
    mlflow_run: str = ""
    """MLflow's id of the run."""
    model_uri: str = ""
    """What `mlflow.pyfunc.load_model` takes; empty if no champion was logged."""
    model_name: str = ""
    """Registered name; empty if not registered."""
    model_version: str = ""
    alias: str = ""
    files: int = 0
    """Files copied."""
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        if self.status == "off":
            return "<p>The mirror to MLflow is off (<code>tracking.enabled</code>).</p>"
        if self.status == "failed":
            return f"<p><b>Not mirrored to MLflow.</b> {html.escape(self.reason)}</p>"
        lines = {
            "Tracking URI": self.uri,
            "Experiment": self.experiment,
            "Run": self.mlflow_run,
            "Registered model": f"{self.model_name}, version {self.model_version}"
            + (f", alias {self.alias}" if self.alias else "")
            if self.model_name
            else "none",
            "Model URI": self.model_uri or "none",
            "Remark": self.reason,
        }
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in lines.items()
            if text
        )
        return f'<table class="toolkit-table"><tbody>{rows}</tbody></table>'
