"""Addresses with a password in them: what to look for, and how to show them."""

from __future__ import annotations

import re

VARIABLE = re.compile(r"\$\{(\w+)\}")
"""A reference to an environment variable, which may stand where a password would."""
# A slash in a password should be written as %2F, but is a password all the same.
CREDENTIALS = re.compile(r"^([\w+]+://[^/@:]*:)([^/]+|[^@]+)(?=@)")
PARAMETER = re.compile(r"(?i)([?&;](?:password|passwd|pwd)=)([^&;]+)")


def shown(source: str) -> str:
    """Return a URL without its password."""
    return PARAMETER.sub(_hide, CREDENTIALS.sub(_hide, source))


def holds_password(source: str) -> bool:
    """Whether a password, and no reference to a variable, is written into a URL."""
    return shown(source) != source


def _hide(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2] if VARIABLE.fullmatch(match[2]) else '***'}"
