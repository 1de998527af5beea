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
    from toolkit.pipeline import headless

    result = headless.run(
        folder,
        run_id=run,
        only=only,
        start=start,
        overrides=overrides,
        timeout=timeout,
        fresh=fresh,
    )
    for line in result.lines():
        print(line)
    if not reproduce:
        return 0
    from toolkit.cli.reproduce import reproduce_command

    return reproduce_command(result.folder)
