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
    reproduce: bool = False,
) -> int:
    """Run the chain, print where its results lie, and fit the champion again if asked to."""
    from toolkit.pipeline.chain import run_project
    from toolkit.pipeline.plan import Request
    from toolkit.pipeline.show import choose

    request = Request(folder, run, only, start, tuple(overrides), timeout, fresh)
    outcome = run_project(request, choose())
    for line in outcome.lines():
        print(line)
    if not reproduce:
        return 0
    from toolkit.cli.reproduce import reproduce_command

    return reproduce_command(outcome.run)
