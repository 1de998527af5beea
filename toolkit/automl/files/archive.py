"""Zip archives that are equal whenever what they hold is equal.

Native model files are zips that carry the time they were made. Written again in the order
of names and with one fixed time, two equal searches give equal files, and a digest of a
model says whether it is the same model.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

_EPOCH = (1980, 1, 1, 0, 0, 0)

Edit = Callable[[str, bytes], tuple[str, bytes] | None]
"""Takes an entry's name and content, gives both anew, or None to leave the entry out."""


def _keep(name: str, content: bytes) -> tuple[str, bytes]:
    return name, content


def normalised(archive: bytes, edit: Edit = _keep) -> bytes:
    """Return a zip archive with its entries in the order of names and without times."""
    entries = []
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        for item in source.infolist():
            if not item.is_dir():
                entry = edit(item.filename, source.read(item))
                if entry is not None:
                    entries.append(entry)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(entries):
            target.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


class Renumbering:
    """Replaces memory addresses in a text by their order of appearance.

    Parameters
    ----------
    pattern : str
        A regular expression with one group: the address in its context.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self.numbers: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the text with every address replaced."""

        def replaced(match: re.Match[str]) -> str:
            whole, address = match.group(0), match.group(1)
            number = self.numbers.setdefault(address, str(len(self.numbers) + 1))
            start = match.start(1) - match.start(0)
            return whole[:start] + number + whole[start + len(address) :]

        return self._pattern.sub(replaced, text)
