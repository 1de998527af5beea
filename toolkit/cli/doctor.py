"""``toolkit doctor``: what this machine has, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from toolkit.cli.checks import QUICK, CheckResult

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {
    "ok": ("✓", "green"),
    "optional": ("·", "cyan"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
}


def doctor_command(*, deep: bool) -> int:
    """Print every finding; the exit code is 1 if the main job could not run."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    bad = 0
    for finding in _findings(deep):
        _print(console, finding)
        bad += finding.state == "failed"
    if bad:
        console.print(f"\n{bad} failed: the main job cannot run here yet")
    else:
        rest = "" if deep else "; `toolkit doctor --deep` really starts everything"
        console.print(f"\nready{rest}", markup=False)
    return min(bad, 1)


def _findings(deep: bool) -> Iterator[CheckResult]:
    for check in QUICK:
        yield _safely(check)
    yield from _stages()
    if deep:
        from toolkit.cli.deep_checks import DEEP

        for check in DEEP:
            yield _safely(check)


def _stages() -> Iterator[CheckResult]:
    from rich.console import Console

    from toolkit.cli.stage_checks import stages

    terminal = Console(stderr=True)
    with terminal.status("importing what the stages need") as status:
        yield from stages(
            lambda module, done, total: status.update(f"importing {module} ({done}/{total})")
        )


def _safely(check: Callable[[], CheckResult]) -> CheckResult:
    # One broken package must not hide what the other checks find.
    try:
        return check()
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return CheckResult(check.__name__, "failed", text, "Run `make setup`")


def _print(console: Console, finding: CheckResult) -> None:
    from rich.text import Text

    mark, style = _MARKS[finding.state]
    line = Text.assemble((mark, style), f" {finding.name:<17} {finding.text}")
    console.print(line)
    if finding.remedy:
        console.print(Text(f"  {'':<17} → {finding.remedy}", style=style))
