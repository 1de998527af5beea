"""Which encoding a text file has: the one under which its words are the likeliest words.

A file that is no UTF-8 says nowhere what it is. Each likely encoding is tried on every word with
a byte above 127, and the text that comes out is scored: letters by how often a language uses
them, where they stand in a word, capitals inside words, and signs by what they stand beside.
"""

from __future__ import annotations

import codecs
import math
import operator
import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache, lru_cache

from toolkit.table.read.text.alphabets import FREQUENT, LATIN, OTHER

_SIGNS_ALONE = frozenset("°§€£µ²³½¼¾±×÷·–—…•№©®™¹Ø¥√≤≥≠∞†‡¢¤¶‰")
_QUOTES = frozenset("‘’“”„‚«»‹›¡¿\xa0´`¨")
_ONE_BYTE: dict[str, tuple[float, str]] = {
    "cp1252": (0.0, "german french spanish portuguese italian swedish danish finnish dutch"
                    " icelandic catalan english albanian"),
    "cp1250": (-2.0, "polish czech slovak hungarian romanian croatian german"),
    "cp1251": (-1.5, "russian ukrainian bulgarian serbian"),
    "cp1253": (-2.0, "greek greek_capitals"), "cp1254": (-2.0, "turkish german french"),
    "cp1257": (-2.5, "lithuanian latvian estonian german"),
    "cp1255": (-2.5, "hebrew"), "cp1256": (-2.5, "arabic persian french"),
    "cp874": (-2.5, "thai"), "cp1258": (-6.0, "vietnamese"),
    "iso8859-2": (-3.0, "polish czech slovak hungarian romanian croatian german"),
    "iso8859-15": (-3.0, "french finnish german spanish estonian"),
    "iso8859-5": (-5.0, "russian serbian bulgarian"), "iso8859-7": (-4.0, "greek greek_capitals"),
    "koi8-r": (-3.0, "russian bulgarian"), "koi8-u": (-4.0, "ukrainian russian"),
    "mac-roman": (-3.5, "german french spanish portuguese italian swedish danish"),
    "cp850": (-3.5, "german french spanish portuguese italian swedish danish finnish"),
    "cp437": (-4.0, "german french spanish swedish"),
    "cp852": (-4.0, "polish czech slovak hungarian romanian croatian german"),
    "cp866": (-4.0, "russian"), "latin-1": (-6.0, "english"),
}  # fmt: skip
_CJK: dict[str, tuple[float, str]] = {
    "gb18030": (-1.5, "simplified"), "big5": (-2.0, "traditional"), "cp932": (-1.5, "japanese"),
    "euc-jp": (-3.0, "japanese"), "cp949": (-1.5, "korean"),
}  # fmt: skip
_MOST_WORDS = 1500
_CLEAR = 3.5
"""A difference of log-likelihoods; where it is smaller, both readings are told."""
_MIXED = 0.75
"""How much of the cost of mixing languages is forgiven: tables of places mix them."""
_UNITS = re.compile(r"(?:^|[^A-Za-z])(?:[mcdk]?m|ft|in|yd|s|mi|R|CO|NO|kg|km)$")
_SHORT = re.compile(r"(s|t|re|ll|ve|d|m)\b")  # it's, don't
_VOWELS = re.compile(
    r"[aeiouyäöüáéíóúýàèìòùâêîôûãõåæøœëïąęěėįųūāēīăőűůıаеёиоуыэюяіїєґαεηιουωάέήίόύώ]", re.I
)


@dataclass(frozen=True)
class EncodingScore:
    """What a file's words mean under an encoding.

    Attributes
    ----------
    encoding : str
    example : str
        A word as it reads so.
    rivals : dict of str to str
        Encodings that are about as likely, with their readings of that word.
    """

    encoding: str
    example: str
    rivals: dict[str, str] = field(default_factory=dict)


_MARKS_TO_BLANKS = bytes.maketrans(b',;"', b"   ")
_ASCII = bytes(range(128))


@dataclass
class Words:
    """The words of a file that have a byte above 127, counted, with the cells' ends."""

    counts: Counter[bytes] = field(default_factory=Counter)

    def add(self, block: bytes) -> None:
        """Count the words of some whole lines."""
        if not block.isascii():
            words = block.translate(_MARKS_TO_BLANKS).split()
            self.counts.update(word[:80] for word in words if not word.isascii())

    def rank(self) -> list[tuple[float, str]]:
        """Return log-likelihoods and encodings, the likeliest first."""
        common = self.counts.most_common(_MOST_WORDS)
        weights = [1 + math.log(count) for _, count in common]
        ranked = []
        for encoding, (prior, languages) in (_ONE_BYTE | _CJK).items():
            try:
                texts = [word.decode(encoding) for word, _ in common]
            except UnicodeDecodeError:
                continue
            ranked.append((prior + _likelihood(texts, weights, languages.split()), encoding))
        return sorted(ranked, reverse=True)

    def _same(self, one: str, other: str) -> bool:
        """Whether two encodings read all words alike."""
        return all(
            word.decode(one, errors="replace") == word.decode(other, errors="replace")
            for word in self.counts
        )

    def reading(self, allowed: Collection[str] | None = None) -> EncodingScore:
        """Return the likeliest encoding, and the one that is about as likely if it reads otherwise.

        Parameters
        ----------
        allowed : collection of str, optional
            The encodings under which the whole file can be decoded; all by default.
        """
        ranked = [item for item in self.rank() if allowed is None or item[1] in allowed]
        if not ranked:
            return EncodingScore("latin-1", "")
        score, best = ranked[0]
        counts = [count for _, count in self.counts.most_common(_MOST_WORDS)]
        # A word that comes often says little more about the encoding than one that comes once.
        clear = _CLEAR * math.sqrt(1 + sum(map(math.log, counts)) / max(len(counts), 1))
        # Of two that read all words alike, the more usual one: later rows may hold others.
        usual = sorted((name for _, name in ranked), key=lambda name: -(_ONE_BYTE | _CJK)[name][0])
        best = next(name for name in usual if name == best or self._same(name, best))
        near = [name for other, name in ranked[1:] if score - other <= clear]
        for word in list(self.counts)[:_MOST_WORDS]:
            readings = {word.decode(name): name for name in reversed([best, *near])}
            if len(readings) > 1:
                rivals = {name: text for text, name in readings.items() if name != best}
                return EncodingScore(best, word.decode(best), dict(reversed(rivals.items())))
        first = next(iter(self.counts), b"")
        return EncodingScore(best, first.decode(best, errors="replace"))


class Decodable:
    """Which encodings can read a whole file, told block by block."""

    def __init__(self) -> None:
        self._bytes: set[int] = set()
        self._decoders = {name: codecs.getincrementaldecoder(name)() for name in _CJK}

    def add(self, block: bytes, *, final: bool = False) -> None:
        """Look at the next block."""
        self._bytes.update(block.translate(None, _ASCII))
        for name, decoder in list(self._decoders.items()):
            try:
                decoder.decode(block, final)
            except UnicodeDecodeError:
                del self._decoders[name]

    def names(self) -> set[str]:
        """Return the encodings that read every block so far."""
        every = bytes(sorted(self._bytes))
        return {*self._decoders, *(name for name in _ONE_BYTE if _reads(name, every))}


def _reads(encoding: str, data: bytes) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _likelihood(texts: list[str], weights: list[float], names: list[str]) -> float:
    scores = [[_word(text, name) for text in texts] for name in names]
    each_word = list(zip(*scores, strict=True))
    # A column may hold words of several languages; the ones that win few words cost more.
    wins = Counter(max(range(len(names)), key=word.__getitem__) for word in each_word)
    total = len(texts) + 0.3 * len(names)
    cost = [max(math.log((wins[k] + 0.3) / total), -4.0) for k in range(len(names))]
    known = _MIXED * max(cost)
    return sum(
        weight * (max(map(operator.add, word, cost)) - known)
        for word, weight in zip(each_word, weights, strict=True)
    )


@lru_cache(maxsize=200_000)
def _word(text: str, language: str) -> float:
    total = 0.0
    for place, sign in enumerate(text):
        if not sign.isascii():
            total += _sign(sign, text[:place], text[place + 1 :], language)
    letters = re.findall(r"[^\W\d_]{2,}", text)
    for word in letters:
        if word.isascii() or word[0] == "µ" or word[0] >= "\u0530":
            continue
        if not _VOWELS.search(word):
            total -= 4.5
    return total


def _sign(sign: str, before: str, after: str, language: str) -> float:
    kind = unicodedata.category(sign)
    if kind in ("Cc", "Cn", "Co", "Cs") or sign == "\ufeff":
        return -14.0
    if sign >= "\u2e80" and kind[0] in "LNPS":
        return _ideograph(sign, language)
    if sign == "Ø" and not after[:1].isalpha():
        return -3.5
    if kind[0] in "LM" and sign not in "ªºµ":
        return _letter(sign, before, after, language)
    return _mark(sign, before, after, language)


def _letter(sign: str, before: str, after: str, language: str) -> float:
    small = "ı" if sign == "İ" else sign.lower()  # not two characters
    value = _frequencies(language).get(small, -9.0)
    previous, following = before[-1:], after[:1]
    if value == -9.0 and language in OTHER:
        value = -11.0
    if sign != small:
        capitals = previous.isupper() or following.isupper()
        value -= 0.2 if capitals and not following.islower() else 1.0
        if previous.isalpha() and previous.islower():
            return value - 6.0
    elif sign.islower():
        if previous.isupper() and following.isupper():
            value -= 4.0
        elif not previous.isalpha() and following.isalpha() and following.isupper():
            value -= 5.0
    if language == "italian" and small in "ìòù" and following.isalpha():
        value -= 3.0
    if language == "romanian" and small == "ă" and following.lower() in tuple("aeiou"):
        value -= 4.0
    if language in OTHER and (_latin(previous) or _latin(following)):
        value -= 5.0
    if not (previous.isalpha() or following.isalpha()) and unicodedata.category(sign) != "Mn":
        value -= 3.0 if following.isdigit() or sign in "àéóèáуваикося" else 4.0
    elif previous.isdigit() or (before[-2:-1] == "/" and not following.isalpha()):
        value -= 3.0  # mg/mł is no word
    return value


def _latin(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()


def _mark(sign: str, before: str, after: str, language: str) -> float:
    previous, following = before[-1:], after[:1]
    if sign in "²³¹":
        good = previous.isdigit() or bool(_UNITS.search(before)) or not before
        return -0.7 if _UNITS.search(before) else -3.5 if good else -8.0
    if sign == "µ":
        unit = not following or following in "gmlsLAVFMWTUI/Sk"
        return -1.5 if unit and not previous.isalpha() else -8.0
    if sign == "°":
        behind = previous or not following.isdigit()
        alone = not previous.isalpha() or following in ("C", "F", "")
        return -7.0 if not behind else -2.0 if alone else -6.0
    if sign in "ªº":
        return -3.0 if previous.isdigit() or previous in ("n", "N", ".") else -8.0
    if sign in "½¼¾":
        return -3.0 if not previous.isalpha() and not following.isalpha() else -8.5
    if sign == "¢":
        return -5.5
    if sign in "£€¥":
        return -2.5 if not previous.isalpha() and not following.isalpha() else -7.0
    if sign in _QUOTES:
        return _quote(sign, previous, following, after)
    if sign in "–—…·":
        inside = previous.isalpha() and following.islower()
        return -6.5 if inside else -3.5
    if sign in "×±÷§№‰©®™•†":
        return _beside_digits(sign, previous, following)
    if sign in _SIGNS_ALONE:
        return -9.0 if previous.isalpha() or following.isalpha() else -6.0
    if "\u2500" <= sign <= "\u259f":
        return -10.0
    return -9.0


def _beside_digits(sign: str, previous: str, following: str) -> float:
    if following.isalpha() or (previous.isalpha() and sign not in "®™"):
        return -8.0
    if sign == "‰":
        return -3.5 if previous.isdigit() else -8.0 if following.isdigit() else -5.5
    return -4.0 if sign in "×±÷" or (sign in "§№©" and not previous.isdigit()) else -5.5


def _quote(sign: str, previous: str, following: str, after: str) -> float:
    inside = previous.isalnum() and following.isalnum()
    if sign == "\xa0" and previous.isdigit() and following.isdigit():
        return -1.0
    if sign == "’" and previous.islower() and _SHORT.match(after):
        return -0.5
    if sign in "’\xa0":
        return -3.0 if not inside or sign == "’" else -4.0
    if sign in "‘“„‚«‹¡¿":
        return -3.5 if not previous.isalnum() else -8.0
    if sign in "”»›":
        return -3.5 if not following.isalnum() else -8.0
    return -8.0


def _ideograph(sign: str, language: str) -> float:
    if language not in FREQUENT:
        return -14.0
    if "\u3040" <= sign <= "\u30ff":
        return -5.0 if language == "japanese" else -9.5
    if "\uff61" <= sign <= "\uff9f":
        return -7.0
    if "\u3000" <= sign <= "\u303f" or "\uff01" <= sign <= "\uff5e":
        return -7.0
    if "\uac00" <= sign <= "\ud7a3" and language == "korean":
        return -5.6 if sign in _frequent(language) else -8.6 if _level(sign, language) else -15.0
    if "\u4e00" <= sign <= "\u9fff":
        if language == "korean":
            return -12.5
        if sign in _frequent(language):
            return -6.2
        return -8.8 if _level(sign, language) == 1 else -11.5 if _level(sign, language) else -15.0
    return -14.0


@cache
def _frequent(language: str) -> frozenset[str]:
    return frozenset(FREQUENT[language])


@lru_cache(maxsize=50_000)
def _level(sign: str, language: str) -> int:
    """Return 1 for a character of a standard's first, common level, 2 for others, 0 for none."""
    encoding, last = {
        "simplified": ("gb2312", 0xD7), "traditional": ("big5", 0xC6),
        "japanese": ("euc-jp", 0xCF), "korean": ("euc-kr", 0xC8),
    }[language]  # fmt: skip
    try:
        code = sign.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return 0 if len(code) != 2 else 1 if code[0] <= last else 2


@cache
def _frequencies(language: str) -> dict[str, float]:
    """Return log-probabilities of a language's letters, by their ranks as in Zipf's law."""
    letters = (LATIN | OTHER).get(language, "")
    total = sum(1 / (rank + 2) for rank in range(len(letters)))
    return {letter: -math.log((rank + 2) * total) for rank, letter in enumerate(letters)}
