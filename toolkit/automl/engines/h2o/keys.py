"""Names of what the toolkit keeps in an H2O server, so that it can find and remove its own.

A cluster may be other people's too, and outlives a killed process of ours: every key
carries a mark of this machine and process.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import platform
import re

MARK = re.compile(r"_toolkit_([0-9a-f]{8})_(\d+)_\d+")
_counter = itertools.count(1)


def unique(prefix: str) -> str:
    """Return a key that no other frame or model in a shared server has."""
    return f"{prefix}_toolkit_{_machine()}_{os.getpid()}_{next(_counter)}"


def is_left(key: str, own: bool) -> bool:
    """Return whether a process of this machine left a key when it ended; or this one, if `own`."""
    match = MARK.search(key)
    if match is None or match.group(1) != _machine():
        return False
    process = int(match.group(2))
    return own if process == os.getpid() else not _runs(process)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _machine() -> str:
    # Containers of one host count processes each for itself.
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]
