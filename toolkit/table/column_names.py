"""What a column's name suggests, in several languages; whole words only."""

from __future__ import annotations

import re
import unicodedata


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_set = word_set


_PROXIES = _set("zip zipcode postcode postal plz cep cap codepostal surname lastname")
# Who or what may have several rows of a table.
_HOLDERS = _set(
    "person persons people patient pat customer cust client user member subscriber account acct"
    " household hh hhid subject participant part respondent employee emp staff student pupil driver"
    " borrower applicant policyholder insured device machine engine vehicle meter sensor player"
    " rider athlete citizen tenant voter donor guest passenger worker resident mrn msisdn imei vin"
    " iban email mail phone card ssn kunde kunden versicherter cliente paciente usuario persona"
    " usager abonne mitarbeiter patienten pid cid uid custid userid clientid personid patientid"
    " panelist individual company firm merchant vendor supplier seller buyer claimant debtor animal"
    " cow mouse rat dog speaker singer author candidate caller visitor insuree beneficiary loan"
)
# Codes of places, goods and amounts: levels of a feature, however often they repeat.
_PLACES_AND_GOODS = _set(
    "zip zipcode postcode postal plz postleitzahl fips geoid tract block county city town state"
    " country region district province area zone ward suburb neighbourhood neighborhood location"
    " station airport port route road street stop line product item article sku brand model make"
    " style part material category cat type kind class grade code colour color size store shop"
    " outlet branch warehouse department dept school hospital facility provider channel campaign"
    " source currency language job occupation industry sector naics sic icd diagnosis diag"
    " procedure drug ndc course subject_area genre movie film song artist book hotel restaurant"
    " room floor house lot page chapter version year yr month day week hour date time quarter"
    " season flight train vendor_type price cost amount amt sum total income salary wage pay"
    " revenue sales profit balance credit debit fee tax value rate score points rating count cnt"
    " qty quantity number_of num population pop households rooms bedrooms weight wgt wt height"
    " length width depth distance mileage km miles speed duration seconds minutes hours days"
    " months years age temperature temp pressure volume power energy load latitude longitude lat"
    " lon lng elevation altitude percent pct share ratio index level views clicks visits calls"
    " bytes votes likes preis betrag umsatz gehalt einkommen precio importe prix montant gain loss"
)
_WEIGHTED = re.compile(r".*(weight|weights|wgt|wgts|wt)")
_NUMBERED = _set("id ids nbr no nr num number code key ref hash uuid uid guid numero nummer n")
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
    " unbekannt inconnu desconocido k.a. tbd : \\n (null) n/e ? ?? ??? unavailable n.d."
    " undisclosed unrecorded unreported"
)
_PHRASES = """
not available|not known|no data|not applicable|k. a.|not stated|not given|not reported|not recorded
|not specified|not provided|not disclosed|not defined|no answer|no response|no information|no info
|don't know|dont know|do not know|prefer not to say|prefer not to answer|keine angabe|nicht bekannt
|sin datos|no disponible|non disponible|non renseigné|value missing|missing value|data missing
|to be determined|#value|<null>|(blank)|(missing)|(unknown)"""
MISSING_WORDS |= {phrase.strip() for phrase in _PHRASES.split("|")}


def words(name: str) -> list[str]:
    """Return a name's words: ``MaritalStatus``, ``marital_status`` and ``marital status`` alike."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    plain = re.sub(r"([a-z])([A-Z])|([0-9])([A-Z][a-z])", r"\1\3 \2\4", plain)
    plain = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", plain)
    return [word for word in re.split(r"[\W_]+", plain.lower()) if word]


def proxy(name: str) -> str | None:
    """Return the word that suggests a proxy of a protected group, such as a postcode."""
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


def holder(name: str) -> str | None:
    """Return whether a name says whose row it is.

    ``person``: a person, account, device or the like; ``identifier``: something with a number of
    its own; empty: it does not say; None: it says that the column is something else.
    """
    found = words(name)
    apart = set(found) - _NUMBERED
    if apart & _PLACES_AND_GOODS or any(map(_WEIGHTED.fullmatch, apart)):
        return None
    if found and apart and apart <= _HOLDERS:
        return "person"
    return "identifier" if identifier(name) or found[-1:] in (["nbr"], ["nr"]) else ""


def numbered(name: str) -> bool:
    """Whether a name says that a number or code stands for a person or thing."""
    return holder(name) == "person" and bool(set(words(name)) & _NUMBERED)


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
