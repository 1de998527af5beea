"""``toolkit doctor``: what this machine has, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.cli.checks import QUICK, Finding

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
    checks: list[Callable[[], Finding]] = list(QUICK)
    if deep:
        from toolkit.cli.deep_checks import DEEP

        checks += DEEP
    bad = 0
    for check in checks:
        finding = _safely(check)
        _print(console, finding)
        bad += finding.state == "failed"
    if bad:
        console.print(f"\n{bad} failed: the main job cannot run here yet")
    else:
        rest = "" if deep else "; `toolkit doctor --deep` really starts everything"
        console.print(f"\nready{rest}", markup=False)
    return min(bad, 1)


def _safely(check: Callable[[], Finding]) -> Finding:
    # One broken package must not hide what the other checks find.
    try:
        return check()
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(check.__name__, "failed", text, "Run `make setup`")


def _print(console: object, finding: Finding) -> None:
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
    mark, style = _MARKS[finding.state]
    line = Text.assemble((mark, style), f" {finding.name:<16} {finding.text}")
    console.print(line)
    if finding.remedy:
        console.print(Text(f"  {'':<16} → {finding.remedy}", style=style))
