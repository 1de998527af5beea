"""Fail for a committed notebook that holds outputs, counts or a run's metadata."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def faults(path: Path) -> list[str]:
    """Return what a notebook holds that does not belong in version control."""
    book = json.loads(path.read_text(encoding="utf-8"))
    found = [key for key in ("papermill", "widgets") if key in book["metadata"]]
    for number, cell in enumerate(book["cells"], start=1):
        if cell.get("outputs"):
            found.append(f"outputs in cell {number}")
        if cell.get("execution_count") is not None:
            found.append(f"an execution count in cell {number}")
    return found


def main() -> int:
    """Check every notebook of the repository."""
    root = Path(__file__).resolve().parents[1]
    bad = 0
    for path in sorted(root.glob("notebooks/*.ipynb")):
        for fault in faults(path):
            print(f"{path.relative_to(root)}: {fault}", file=sys.stderr)
            bad += 1
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
