"""Names of what the toolkit keeps in an H2O server, so that it can find and remove its own.

A cluster may be other people's too, and outlives a killed process of ours: every key
carries a mark of this machine and process.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import itertools
import os
import platform
import re
from typing import TYPE_CHECKING

from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.server.rest import Server

MARK = re.compile(r"_toolkit_([0-9a-f]{8})_(\d+)_\d+")
_counter = itertools.count(1)


def unique(prefix: str) -> str:
    """Return a key that no other frame or model in a shared server has."""
    return f"{prefix}_toolkit_{_machine()}_{os.getpid()}_{next(_counter)}"


def forget(server: Server, *keys: str) -> None:
    """Remove frames and models; a server that is gone has forgotten them already."""
    for key in keys:
        with contextlib.suppress(EngineError):
            server.delete(key)


def sweep(server: Server, *, own: bool = False) -> None:
    """Cancel jobs and remove keys that processes of this machine left when they ended.

    Parameters
    ----------
    server : Server
        Where to look.
    own : bool
        Whether this process's go as well: it has ended its work.
    """
    with contextlib.suppress(EngineError):
        for job in server.get("/3/Jobs")["jobs"]:
            running = job["status"] in ("CREATED", "RUNNING")
            if running and _is_left(str((job.get("dest") or {}).get("name")), own):
                server.cancel(job["key"]["name"])
    with contextlib.suppress(EngineError):
        forget(server, *(key for key in _keys(server) if _is_left(key, own)))


def _keys(server: Server) -> list[str]:
    session = server.post("/4/sessions")["session_key"]
    listing = unique("keys")
    server.post("/99/Rapids", ast=f"(tmp= {listing} (ls))", session_id=session)
    try:
        text = server.download("/3/DownloadDataset", frame_id=listing).decode("utf-8", "replace")
    finally:
        forget(server, listing)
    return [row[0] for row in csv.reader(io.StringIO(text)) if row][1:]


def _is_left(key: str, own: bool) -> bool:
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
