"""``toolkit run``."""

from __future__ import annotations

from pathlib import Path


def run_command(
    folder: Path,
    *,
    run: str | None,
    only: str | None,
    start: str | None,
    overrides: list[str],
    timeout: float | None,
    fresh: bool,
) -> None:
    """Run the chain and print where its results lie."""
    from toolkit.pipeline.chain import run_project
    from toolkit.pipeline.plan import Request
    from toolkit.pipeline.show import choose

    request = Request(folder, run, only, start, tuple(overrides), timeout, fresh)
    for line in run_project(request, choose()).lines():
        print(line)
