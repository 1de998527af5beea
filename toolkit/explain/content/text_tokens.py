"""Texts split into parts, and copies of a text with some of them removed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import numpy as np

MOST_PARTS = 40
"""The most parts of a text; those of a longer one are runs of neighbouring words."""

_JOINERS = "'’-"
_POINTS = ".,"
_ZERO_WIDTH = "\u200c\u200d"
# Written without spaces, so that every character stands alone: kana and ideographs.
_ALONE = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


def split(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text begin and end, in characters.

    Letters, digits and their marks are a word, with an apostrophe or hyphen inside it and a
    point or comma between digits; a run of other characters (punctuation, emoji) is one too.
    Ideographs and kana are words by themselves. Thai and other scripts without spaces stay whole.
    """
    spans: list[tuple[int, int]] = []
    before = ""
    for at in range(len(text)):
        kind = _kind(text, at, before)
        if not kind:
            before = ""
            continue
        extends = kind == "mark" or (kind == before and kind != "alone")
        if extends and before:
            spans[-1] = (spans[-1][0], at + 1)
        else:
            spans.append((at, at + 1))
        before = (before or "sign") if kind == "mark" else kind
    return spans


def _kind(text: str, at: int, before: str) -> str:
    """Return what a character is: space (empty), mark, word, alone or sign."""
    char = text[at]
    if char.isspace():
        return ""
    if char in _ZERO_WIDTH or unicodedata.category(char).startswith("M"):
        return "mark"
    if any(low <= ord(char) <= high for low, high in _ALONE):
        return "alone"
    if char.isalnum() or char == "_":
        return "word"
    after = text[at + 1] if at + 1 < len(text) else " "
    if before == "word" and char in _JOINERS and after.isalnum():
        return "word"
    if before == "word" and char in _POINTS and text[at - 1].isdigit() and after.isdigit():
        return "word"
    return "sign"


@dataclass(frozen=True)
class TokenizedText:
    """A text, ready to lose words.

    Attributes
    ----------
    text : str
        The whole.
    parts : list of (int, int)
        Where each part begins and ends: a word, or a run of neighbouring words.
    words : int
        How many words there are.
    differs : ndarray of bool, shape (parts,)
        Whether removing a part changes the text: always so.
    """

    text: str
    parts: list[tuple[int, int]]
    words: int
    differs: np.ndarray
    _kept: np.ndarray = field(repr=False)
    _left: np.ndarray = field(repr=False)

    @property
    def size(self) -> int:
        """Characters that a scored copy has at most."""
        return max(1, len(self.text))

    def masked(self, masks: np.ndarray) -> list[str]:
        """Return copies of the text in which the words of some parts are removed.

        A removed word is replaced by nothing; the spaces around it stay.

        Parameters
        ----------
        masks : ndarray of bool, shape (e, parts)
            True where a part's words stay.
        """
        whole = np.ones((len(masks), len(self._kept)), dtype=bool)
        whole[:, 1::2] = masks
        return ["".join(line) for line in np.where(whole, self._kept, self._left).tolist()]


def text(value: str) -> TokenizedText:
    """Return a text with its parts, at most `MOST_PARTS`."""
    spans = split(value)
    runs = [list(run) for run in np.array_split(np.arange(len(spans)), MOST_PARTS) if len(run)]
    parts = [(spans[run[0]][0], spans[run[-1]][1]) for run in runs]
    kept, left, end = [], [], 0
    for (start, stop), run in zip(parts, runs, strict=True):
        between = [value[spans[i][1] : spans[i + 1][0]] for i in run[:-1]]
        kept += [value[end:start], value[start:stop]]
        left += [value[end:start], "".join(between)]
        end = stop
    kept.append(value[end:])
    left.append(value[end:])
    return TokenizedText(
        text=value,
        parts=parts,
        words=len(spans),
        differs=np.ones(len(parts), dtype=bool),
        _kept=np.array(kept, dtype=object),
        _left=np.array(left, dtype=object),
    )
