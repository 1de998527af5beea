"""One way to turn values into bytes, so that equal things have equal digests."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.errors import DiskFull

_NO_SPACE = {28, 122}  # ENOSPC and EDQUOT


def plain(value: Any) -> Any:
    """Return ``value`` made of dict, list, str, int, float, bool and None only.

    NumPy scalars and arrays become Python ones; a float that is not finite becomes
    None, since JSON has no word for it; anything with ``isoformat`` becomes that text.
    """
    if value is None or (isinstance(value, str | bool | int) and type(value) in (str, bool, int)):
        return value
    if hasattr(value, "tolist"):  # NumPy arrays and scalars, pandas arrays
        return plain(value.tolist())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, int):
        return int(value)
    return str(value)


def dumps(value: Any) -> str:
    """Return readable, key-sorted JSON that ends in a newline."""
    return json.dumps(plain(value), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, as ``sha256:<hex>``."""
    compact = json.dumps(plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(compact.encode()).hexdigest()


_DIGESTS: dict[tuple[int, ...], str] = {}
"""Of files that have not changed since: a large source is asked for again and again."""
_SETTLED = 5.0


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's names and files, as ``sha256:<hex>``."""
    if path.is_dir():
        total = hashlib.sha256()
        for item in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(item.relative_to(path).as_posix().encode() + b"\0")
            total.update(bytes.fromhex(digest_file(item).removeprefix("sha256:")))
        return "sha256:" + total.hexdigest()
    with path.open("rb") as stream:
        state = os.fstat(stream.fileno())
        key = state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
        if key not in _DIGESTS:
            found = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
            # What was just written can be written again within one tick of the clock.
            if time.time() - max(state.st_mtime, state.st_ctime) < _SETTLED:
                return found
            _DIGESTS[key] = found
    return _DIGESTS[key]


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path that takes the place of ``path`` when the block succeeds.

    A crash or a full disk leaves what was there before.

    Raises
    ------
    DiskFull
        When there is no space for the new content.
    """
    temporary = None
    try:
        temporary = _beside(path)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFull(
                "no space left on the disk",
                where=str(path),
                remedy="Free some space and run again: finished stages are kept",
            ) from error
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    # mkstemp makes the file private; a shared project folder expects the usual mode.
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(name, 0o666 & ~umask)
    return Path(name)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
