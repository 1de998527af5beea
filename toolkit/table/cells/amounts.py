"""Amounts: the number and the unit in one cell's text.

Each text is read on its own. What a whole column shows (its decimal mark, its unit, whether
``k`` multiplies) comes in as an argument.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_LONGEST = 100
_CURRENCY = (
    r"(?:(?:US|AU|CA|HK|NZ|A|C|R|S)?\$|[€£¥₹₽₩₪₫₺₴₦฿]"
    r"|EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|SGD"
    r"|kr\.?|zł|Kč|Ft|Fr\.|Rs\.?)"
)
_FRONT = rf"{_CURRENCY}|%"
_WORD = r"[^\W\d_]+\.?|[%‰°$€£¥₹₽₩₪₫₺₴₦฿\"″′]"
_AMOUNT = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<front>{_FRONT})?\s*(?P<inner>[+-]?)"
    r"(?P<bare>(?:\d|[.,]\d)(?:[\d.,\s'’]*\d[.,]?)?(?:[eE][+-]?\d+)?)"
    rf"\s*(?P<back>(?:{_WORD})(?:[\s/·]?(?:{_WORD}|[²³]|(?<=m)[23]|(?<=ft)[23])){{0,4}})?(?P<after>-?)"
)
_BRACKETS = re.compile(rf"(?P<front>{_FRONT})?\s*\(\s*(?P<inner>[^()+-]+?)\s*\)\s*(?P<back>.*)")
_SIMPLE = re.compile(r"([+-]?)([$€£]?)(\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?)(%?)")
_MARKS = re.compile(
    r"(?P<rest>.*[\d%.)])\s*(?:\*{1,3}|[†‡§¶#]{1,2}|\[\w{1,2}\]|\([A-Za-z]\)|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", re.S
)
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""A number as computers write it."""
_EXPONENT = re.compile(r"(\d+)(,\d+)?[eE][+-]?\d+")
_SPACE = r"[\s'’]"
_GROUPED = {
    mark: re.compile(
        rf"(?:\d{{1,3}}(?:(?P<s>{_SPACE}|{re.escape(other)})\d{{3}}(?:(?P=s)\d{{3}})*)"
        + (r"|\d{1,2}(?:,\d{2})+,\d{3}" if mark == "." else "")
        + rf"|\d+)?(?:{re.escape(mark)}\d*)?"
    )
    for mark, other in ((".", ","), (",", "."))
}
_OTHER_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "‑": "-", "﹣": "-", "－": "-", "＋": "+", "．": ".", "，": ",",
     "％": "%", "٪": "%", "＄": "$", "￥": "¥", "ʼ": "'", "′": "'", "＇": "'", "（": "(", "）": ")"}
)  # fmt: skip
_ARABIC = {".": str.maketrans("٫٬", ".,"), ",": str.maketrans("٫٬", ",.")}
_ENDLESS = re.compile(r"[+-]?(inf(inity)?|∞|1\.#inf0*)", re.I)

MULTIPLES = {
    "k": 1e3, "tsd": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "mio": 1e6,
    "million": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "mld": 1e9, "billion": 1e9, "tn": 1e12,
    "trillion": 1e12, "lakh": 1e5, "crore": 1e7,
}  # fmt: skip
"""Words that multiply the number before them, and by what."""

_CURRENCIES = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "€": "EUR", "eur": "EUR",
    "euro": "EUR", "£": "GBP", "gbp": "GBP", "ca$": "CAD", "c$": "CAD", "cad": "CAD",
    "a$": "AUD", "au$": "AUD", "aud": "AUD", "nz$": "NZD", "nzd": "NZD", "hk$": "HKD",
    "s$": "SGD", "sgd": "SGD", "r$": "BRL", "brl": "BRL", "₹": "INR", "rs": "INR", "inr": "INR",
    "zł": "PLN", "pln": "PLN", "kč": "CZK", "czk": "CZK", "huf": "HUF", "fr": "CHF",
    "chf": "CHF", "kr": "kr", "¥": "¥", "jpy": "JPY", "cny": "CNY", "sek": "SEK", "nok": "NOK",
    "dkk": "DKK", "mxn": "MXN", "zar": "ZAR", "₽": "RUB", "₩": "KRW", "₪": "ILS", "₫": "VND",
    "₺": "TRY", "₴": "UAH", "₦": "NGN", "฿": "THB",
}  # fmt: skip
_MONEY = frozenset(_CURRENCIES.values())
_MEASURES = frozenset(
    "% percent ‰ g kg mg µg lb lbs oz t ton tonne stone m km cm mm mi mile ft foot feet in inch yd"
    " yard l ml cl dl gal gallon s sec second ms min minute h hr hour day week wk month mo year"
    " yr °c °f kv mv ma kw mw kwh mwh wh kj mj cal kcal hz khz mhz ghz kb mb"
    " gb tb pa kpa hpa mbar bar psi mmhg km/h mph kmh m/s m² m³ m2 m3 cm² sqft sqm acre ha"
    " mg/dl mmol/l g/l mg/l µg/m³".casefold().split()
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A cell's number as it is written, apart from what stands around it.

    Attributes
    ----------
    bare : str
        Digits with their marks, without a sign.
    negative : bool
        By a sign before or after it, or by brackets.
    unit : str
        In one spelling; empty if there is none.
    multiple : str
        A word of `MULTIPLES`; empty if there is none.
    trailing : bool
        Whether the minus stands behind.
    marked : bool
        Whether a footnote mark follows.
    """

    bare: str
    negative: bool
    unit: str = ""
    multiple: str = ""
    trailing: bool = False
    marked: bool = False

    def read(self, decimal: str, unit: str | None, *, multiples: bool) -> float:
        """Return the number if it is in a unit (see `number`), else NaN."""
        told = self.unit
        if self.multiple and not multiples:
            told = f"{self.multiple} {told}".strip()
        if told and (told != same_unit(unit) if unit else not money(told)):
            return math.nan
        return self.value(decimal, multiples=multiples)

    def value(self, decimal: str, *, multiples: bool) -> float:
        """Return the number; NaN if its marks do not fit the decimal mark."""
        number = _float(self.bare, decimal)
        if multiples and self.multiple:
            number *= MULTIPLES[self.multiple]
        return -number if self.negative else number


def amount(text: str, decimal: str = ".") -> Amount | None:
    """Return the amount that a text is; None if it is none."""
    if len(text) > _LONGEST:
        return None
    simple = _SIMPLE.fullmatch(text) if decimal == "." and text.isascii() else None
    if simple and not (simple[2] and simple[4]):
        unit = _CURRENCIES[simple[2]] if simple[2] else simple[4]
        return Amount(simple[3], simple[1] == "-", unit)
    text = _common(text, decimal)
    mark = _MARKS.fullmatch(text)
    if mark:
        text = mark["rest"]
    owed = _BRACKETS.fullmatch(text)
    if owed:
        inside = " ".join(part for part in (owed["front"], owed["inner"], owed["back"]) if part)
        found = _AMOUNT.fullmatch(inside)
    else:
        found = _AMOUNT.fullmatch(text)
    if not found or (found["front"] and found["back"] and _unit(found["back"])[1]):
        return None
    signs = [sign for sign in (found["sign"], found["inner"], found["after"]) if sign]
    if len(signs) > 1 or (owed and signs):
        return None
    multiple, unit = _unit(found["back"] or "")
    return Amount(
        bare=found["bare"],
        negative=bool(owed) or "-" in signs,
        unit=_unit(found["front"])[1] if found["front"] else unit,
        multiple=multiple,
        trailing=bool(found["after"]),
        marked=mark is not None,
    )


def number(text: str, decimal: str, unit: str | None = None, *, multiples: bool = False) -> float:
    """Return the number of one text; NaN if it is none.

    Parameters
    ----------
    text : str
        A cell.
    decimal : str
        The decimal mark.
    unit : str, optional
        The one unit that may stand beside the number; any currency and ``%`` by default.
    multiples : bool
        Whether ``k``, ``M``, ``bn`` and the like multiply.
    """
    if decimal == "." and PLAIN.fullmatch(text) and text.isascii():
        return float(text)
    found = amount(text, decimal)
    return math.nan if found is None else found.read(decimal, unit, multiples=multiples)


def no_amounts(words: Any) -> np.ndarray:
    """Return for each text of an Arrow array whether its first signs show that it is no amount.

    It starts with a letter, or with a year and a hyphen.

    What is not said to be none may be none all the same.
    """
    import pyarrow.compute as pc

    worded = pc.and_(
        pc.string_is_ascii(words), pc.match_substring_regex(words, "^(?:[A-Za-z]|[0-9]{4}-[0-9])")
    )
    front = pc.match_substring_regex(words, rf"^(?:{_CURRENCY}|[iI][nN][fF]|[nN][aA][nN])")
    found: np.ndarray = pc.and_not(worded, front).to_numpy(zero_copy_only=False)
    return found


def endless(text: str) -> bool:
    """Whether a text says a number without end: ``inf``, ``-Infinity``, ``1e999``."""
    if _ENDLESS.fullmatch(text):
        return True
    return bool(PLAIN.fullmatch(text)) and math.isinf(float(text))


def money(unit: str) -> bool:
    """Whether a unit is a currency or the per cent sign."""
    return unit == "%" or unit in _MONEY


def known(unit: str) -> bool:
    """Whether a unit is a currency or a common measure."""
    return money(unit) or unit.casefold() in _MEASURES


@functools.lru_cache(maxsize=1024)
def same_unit(text: str) -> str:
    """Return a unit in one spelling: ``US$`` is ``USD``, ``Years`` is ``year``."""
    unit = " ".join(text.replace("μ", "µ").split()).rstrip(".")
    low = unit.casefold()
    if unit == "Ft":  # forints; ft are feet
        return "HUF"
    if low in _CURRENCIES:
        return _CURRENCIES[low]
    if low in ("percent", "pct", "per cent"):
        return "%"
    # mW is not MW, nor mg Mg.
    if unit[:1] in "mM" and len(unit) <= 3 and low not in ("mi", "mo", "min"):
        return unit
    return low[:-1] if len(low) > 3 and low.endswith("s") else low


@functools.lru_cache(maxsize=1024)
def _unit(text: str) -> tuple[str, str]:
    first, _, rest = text.partition(" ")
    multiple = first.rstrip(".").casefold()
    if multiple not in MULTIPLES and multiple.endswith("s"):
        multiple = multiple[:-1]
    if multiple in MULTIPLES:
        return multiple, same_unit(rest)
    glued = re.fullmatch(rf"([^\W\d_]{{1,3}})({_CURRENCY})", text)
    if glued and glued[1].casefold() in MULTIPLES:
        return glued[1].casefold(), same_unit(glued[2])
    return "", same_unit(text)


def _common(text: str, decimal: str) -> str:
    """Return a text with the digits, signs and marks of other scripts in their common form."""
    text = text.strip()
    if text.isascii():
        return text
    text = text.translate(_OTHER_SIGNS).translate(_ARABIC[decimal])
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text)


def _float(bare: str, decimal: str) -> float:
    if decimal == "." and PLAIN.fullmatch(bare):
        return float(bare)
    if decimal == "," and _EXPONENT.fullmatch(bare):
        return float(bare.replace(",", "."))
    if not _GROUPED[decimal].fullmatch(bare):
        return math.nan
    bare = re.sub(_SPACE, "", bare).replace("." if decimal == "," else ",", "")
    return float(bare.replace(",", "."))
