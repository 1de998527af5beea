"""What a column's name suggests, in several languages; whole words only."""

from __future__ import annotations

import re
import unicodedata


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PEOPLE = _set(  # sex and gender
    "sex gender geschlecht sexe sexo sesso genre genero genere kon kjonn sukupuoli plec"
    # age and birth
    " age alter edad idade eta leeftijd wiek alder dob birth birthday birthdate birthyear"
    " geburtsdatum geburtsjahr naissance nacimiento nascimento"
    # origin
    " race ethnic ethnicity ethnicgroup raca raza razza hautfarbe nationality nationalitaet"
    " nationalitat nationalite nacionalidad nazionalita citizenship staatsangehorigkeit"
    " immigrant migrant migration foreigner caste tribe indigenous rac1p agep"
    # belief
    " religion religious religiao konfession"
    # health and family
    " disability disabled handicap behinderung invalidity pregnant pregnancy schwanger"
    " marital married familienstand maritalstatus veteran"
    # orientation
    " orientation sexuality transgender lgbt"
)
_PHRASES = (
    "native country", "country of birth", "birth country", "foreign worker", "senior citizen",
    "skin color", "skin colour", "mother tongue", "native language", "first language",
    "union member", "political party", "civil status", "marital status", "place of birth",
    "age group", "etat civil", "estado civil", "stato civile",
)  # fmt: skip
_PROXIES = _set("zip zipcode postcode postal plz cep cap codepostal surname lastname")
# An age of these is no person's age.
_THINGS = _set(
    "house housing home building property car vehicle account policy loan debt credit invoice"
    " machine equipment device asset company firm business contract customer file ticket"
    " inventory stock page web"
)
_IDENTIFIERS = _set("id ids uid uuid guid rowid index idx key pk oid")
_CODES = _set("number no nr code codes zip zipcode postcode postal plz phone telephone ssn iban")
# Digits under these names are codes even with a point in them, or letters beside them.
_CLASSIFICATIONS = _set(
    "zip zipcode postcode postal plz postleitzahl pincode eircode icd icd9 icd10 diagnosis diag"
    " naics sic isic nace isco cpt hcpcs drg msdrg ndc loinc snomed atc hscode"
    " sku ean upc gtin isbn issn asin fips geoid phone telephone fax iban swift bic ssn"
    " imei vin version"
)
_CODES = _CODES | _CLASSIFICATIONS
_BIRTHS = _set(
    "dob birth birthday birthdate born geburt geburtsdatum geburtstag geb geboren naissance"
    " nacimiento nascimento nascita fodelsedatum"
)
_DAYS = _set("date dates datum fecha dteday")
_CLOCKS = _set("timestamp epoch unix ts utc created updated modified at datetime")
_RANKS = "primary|secondary|tertiary|first|second|third|fourth|fifth|main|other|principal"
_DATES = _set("date day dt datum fecha data time timestamp dteday on at")

POSITIVE_WORDS = _set(
    "1 yes true y t positive pos bad default defaulted churn churned spam fraud fraudulent"
    " malignant sick ill dead died failed failure attrited left abnormal anomaly attack ja oui si"
    " sim vrai wahr"
)
NEGATIVE_WORDS = _set(
    "0 no false n f negative neg good paid stayed ham legit legitimate genuine benign healthy"
    " alive survived passed ok normal retained nein non nao faux falsch"
)

MISSING_WORDS = _set(
    "- -- --- . .. * unknown unk missing empty blank none n.a. n.a na/na"
    " unspecified undefined #n/a #value! #ref! #div/0! -999 -9999 -99999 99999 999999 nil void"
    " unbekannt inconnu desconocido k.a. tbd : \\n (null) n/e"
) | {"not available", "not known", "no data", "not applicable", "k. a."}


def words(name: str) -> list[str]:
    """Return a name's words: ``MaritalStatus``, ``marital_status`` and ``marital status`` alike."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    plain = re.sub(r"([a-z])([A-Z])|([0-9])([A-Z][a-z])", r"\1\3 \2\4", plain)
    plain = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", plain)
    return [word for word in re.split(r"[\W_]+", plain.lower()) if word]


def protected(name: str) -> str | None:
    """Return the word that suggests a protected group, if there is one."""
    found = words(name)
    if _THINGS & set(found):
        return None
    text = " ".join(found)
    for phrase in _PHRASES:
        if re.search(rf"\b{phrase}\b", text):
            return phrase
    for word in found:
        if word in _PEOPLE or word.rstrip("0123456789") in _PEOPLE:
            return word
    return None


def proxy(name: str) -> str | None:
    """Return the word that suggests a stand-in for a protected group, such as a postcode."""
    return next((word for word in words(name) if word in _PROXIES), None)


def partition(name: str, texts: list[str]) -> bool:
    """Whether name and values say which part of a split a row belongs to."""
    labels = {text.casefold() for text in texts}
    parts = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "holdout"}
    return bool({"split", "fold", "partition", "subset", "set"} & set(words(name))) and (
        labels <= parts
    )


def identifier(name: str) -> bool:
    """Whether a name says that its values identify rows or things."""
    found = words(name)
    return bool(found) and (
        found[-1] in _IDENTIFIERS or found[0] in ("id", "uuid") or name.startswith("Unnamed: ")
    )


def code(name: str) -> bool:
    """Whether a name says that its digits are a code, not an amount."""
    found = _unnumbered(name)
    return bool(found) and (
        found[-1] in _CODES
        and not {"of", "total", "count", "sum", "mean"} & set(found)
        and (found[-1] not in ("number", "no", "nr") or len(found) > 1)
    )


def classification(name: str) -> bool:
    """Whether a name says that its values are codes of a known kind, such as ICD or NAICS."""
    found = _unnumbered(name)
    return code(name) and found[-1] in _CLASSIFICATIONS | {"code", "codes"}


def _unnumbered(name: str) -> list[str]:
    found = words(name)
    while len(found) > 1 and found[-1].isdecimal():
        found.pop()
    return found


def stem(name: str) -> str | None:
    """Return a name without its number or rank: of ``diag_2``, ``primary_diag``; None without."""
    ranked = re.fullmatch(rf"({_RANKS})[\W_]+(.+)|(.+)[\W_]+({_RANKS})", name, re.I)
    if ranked:
        return f"{ranked[2] or ranked[3]}##"
    match = re.fullmatch(r"(.*?[^\d]|)[\W_]*\d{1,3}([\W_]*[^\W\d_]*)", name)
    return f"{match[1].rstrip(' _-.')}#{match[2]}" if match else None


def date(name: str) -> bool:
    """Whether a name says that its values are dates."""
    return bool(_DATES & set(words(name)))


def day(name: str) -> bool:
    """Whether a name says outright that its values are days, whatever they look like."""
    return bool((_DAYS | _BIRTHS) & set(words(name)))


def clock(name: str) -> bool:
    """Whether a name says outright that its values are moments, whatever they look like."""
    return day(name) or bool(_CLOCKS & set(words(name)))


def birth(name: str) -> bool:
    """Whether a name says that its values are dates of birth."""
    return bool(_BIRTHS & set(words(name)))
