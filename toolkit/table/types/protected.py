"""Which columns name a protected group: by the words of a name, their neighbours, the values."""

from __future__ import annotations

import re

import numpy as np

from toolkit.table.cells import values
from toolkit.table.column_names import word_set, words

_SEX = word_set(
    "sex sexe sexo sesso gender geschlecht genero kon kjonn sukupuoli plec male female"
    " pronoun pronouns anrede transgender"
)
_AGE = word_set("age ages alter edad idade leeftijd wiek alder agep")
_BIRTH = word_set(
    "dob birthday birthdate birthyear birthplace geburtsdatum geburtsjahr geburtsort nascimento"
    " yob geburtstag"
)
_ORIGIN = word_set(
    "race raca raza razza hautfarbe ethnic ethnicity ethnicities ethnicgroup ethnie ethnizitat"
    " etnia hispanic latino latina latinx hisp ancestry ancestries abstammung ascendance"
    " nationality nationalitat nationalitaet nationalite nacionalidad nazionalita nationalities"
    " citizenship citizen staatsangehorigkeit staatsburgerschaft ciudadania cittadinanza"
    " nativity immigrant immigration migrant foreigner auslander caste tribe tribal indigenous"
    " aboriginal migrationshintergrund herkunft rac1p racblk racwht racasn hisp pobp anc1p anc2p"
)
_BELIEF = word_set(
    "religion religions religious religiosity religiao religione konfession glaube denomination"
)
_HEALTH = word_set(
    "disability disabilities disabled handicapped behinderung behindert schwerbehindert"
    " invalidity invalidite discapacidad disabilita pregnant pregnancy pregnancies schwanger"
    " schwangerschaft embarazo"
)
_FAMILY = word_set("marital married marriage familienstand zivilstand matrimonial maritalstatus")
_OTHER = word_set("veteran veterans lgbt lgbtq sexuality transgender mothertongue muttersprache")
_KINDS = {
    "sex": _SEX, "age": _AGE, "birth": _BIRTH, "origin": _ORIGIN, "belief": _BELIEF,
    "health": _HEALTH, "family": _FAMILY, "other": _OTHER,
}  # fmt: skip
_PHRASES = (
    "native country", "country of birth", "birth country", "state of birth", "birth state",
    "birth date", "date of birth", "year of birth", "birth year", "birth place", "place of birth",
    "birth city", "birth day", "birth month", "days birth", "years birth",
    "foreign worker", "foreign born", "senior citizen", "skin colou?r", "mother tongue",
    "(native|first|home|primary|preferred) language", "union member(ship)?",
    "political (party|views?|affiliation|opinion)", "party affiliation",
    "(civil|marital|family|relationship) (status|state|stat)", "etat civil", "estado civil",
    "stato civile", "date de naissance", "lieu de naissance", "fecha (de )?nacimiento",
    "lugar (de )?nacimiento", "pais (de )?nacimiento", "data di nascita",
    "sexual (orientation|identity|preference)", "national origin", "ethnic origin",
    "migration (background|status)", "african american", "pacific islander", "native american",
    "lengua materna", "langue maternelle",
)  # fmt: skip
# ACS and other censuses, in capitals as they write them.
_CENSUS = word_set("SEX AGEP MAR RAC1P RAC2P RAC3P POBP NATIVITY CIT DIS HISP LANP ETHN RACE")
_SHORT = word_set("MAR CIT DIS")  # also a month, a distance
# Of these no sex, age or origin is a person's, unless the values say so.
_THINGS = word_set(
    "house housing home building property car vehicle auto account policy loan debt credit invoice"
    " machine equipment device asset company firm business contract file ticket inventory stock"
    " page web site website product products item items article sku brand import export engine"
    " tree roof storage battery domain listing song track video game app ad ads feature wine"
    " features flight aircraft ship part parts component software version data database server"
    " cache mean median avg average ratio rate percent pct percentage share proportion count total"
    " population per index number_of notifications cookies comments movie film music book"
)
# Words beside which a word means something else.
_BESIDE = {
    "race": word_set(
        "time times lap laps result results day date distance course track event start finish"
        " pace speed condition conditions round season circuit horse car driver runner number"
        " id name km miles pos position rank prize winner won wins points class type length"
        " surface grade going"
    ),
    "veteran": word_set("form forms questionnaire admin administration affairs hospital fill inc"),
    "veterans": word_set("form forms questionnaire admin administration affairs hospital fill inc"),
    "immigration": word_set("office officer form policy service"),
    "citizen": word_set("report science reports complaint bank"),
    "marriage": word_set("license licence certificate bureau"),
    "alter": word_set("ego table"),
    "male": word_set("connector plug socket"),
    "female": word_set("connector plug socket"),
}
# Words that have another meaning: only together with values that agree.
_AMBIGUOUS = {"genre": "sex", "genere": "sex", "orientation": "sexual", "eta": "age",
              "title": "sex", "salutation": "sex", "handicap": "yes", "denomination": "belief",
              "kon": "sex", "glaube": "belief", "citizen": "yes",
              "herkunft": "origin", "birth": "date", "naissance": "date", "nacimiento": "date",
              "nascita": "date"}  # fmt: skip
_PEOPLE = "customers?|cust|clients?|patients?|applicants?|borrowers?|persons?|people|users?|" \
    "employees?|emp|members?|respondents?|drivers?|passengers?|students?|kunden?|owner"  # fmt: skip
_LABELS = "codes?|cd|cde|groups?|grp|gruppe|bands?|bins?|bucket|cats?|category|class|id|num|desc|" \
    "name|label|range|years?|yrs?|status|new|clean|raw|key|txt|p"  # fmt: skip
_MALE = word_set("male m man men masculine mannlich maennlich herr mr homme hombre masculino h masc"
                 " varon uomo maschio")  # fmt: skip
_FEMALE = word_set("female f woman women feminine weiblich frau mrs ms miss femme mujer femenino"
                   " feminino fem w d donna femmina")  # fmt: skip
_NEITHER = word_set("other others x unknown u nonbinary divers diverse unspecified both neutral"
                    " na n/a none undisclosed trans dr prof rev mx")  # fmt: skip
_MARITAL = word_set(
    "single married divorced widowed separated ledig verheiratet geschieden"
    " verwitwet soltero casado divorciado viudo celibataire marie divorce veuf"
)
_RACES = word_set(
    "white caucasian black african asian hispanic latino native indian islander"
    " multiracial mixed biracial"
)
_TELLING_RACES = word_set("caucasian asian hispanic latino african multiracial biracial islander")
_FAITHS = word_set(
    "christian muslim hindu jewish buddhist sikh catholic protestant orthodox"
    " atheist islam christianity hinduism evangelical mormon jain"
)
_SEXUAL = word_set("heterosexual homosexual bisexual gay lesbian straight queer asexual")
_OLDEST = 125


def protected(name: str, texts: list[str] | None = None, *, full: bool = True) -> str | None:
    """Return the word that suggests a protected group, if there is one.

    Parameters
    ----------
    name : str
        The column's name.
    texts : list of str, optional
        Distinct values, or many of them: they decide where a word has two meanings, take back a
        name that they contradict, and tell sex, religion and the like under any name.
    full : bool
        Whether `texts` are all distinct values.
    """
    found = words(name)
    said = _by_name(name, found)
    if texts is None:
        return said[0] if said else None
    if said and not _contradicted(name, said[1], texts, full):
        return said[0]
    if set(found) & _THINGS:
        return None
    kind = by_values(texts)
    for word in found:
        wanted = _AMBIGUOUS.get(word)
        if wanted and (by_values(texts, initials=True) == wanted or _fits(wanted, texts)):
            return word
    return f"values as of {kind}" if kind else None


def _by_name(name: str, found: list[str]) -> tuple[str, str] | None:
    """Return a word and its kind."""
    if name in _CENSUS:
        return name, "age" if name == "AGEP" else "census"
    text = " ".join(found)
    things = _THINGS & set(found)
    for phrase in _PHRASES:
        match = re.search(rf"\b{phrase}\b", text)
        if match and not things:
            return match[0], "birth" if "birth" in phrase else "phrase"
    if things:
        return None
    for place, word in enumerate(found):
        stem = _bare(word)
        beside = set(found[:place] + found[place + 1 :])
        elsewhere = beside & _BESIDE.get(stem or "", frozenset())
        if stem is None or (elsewhere and not _of_a_person(beside)):
            continue
        if stem not in _AMBIGUOUS:
            return word, next(kind for kind, known in _KINDS.items() if stem in known)
    return None


def _of_a_person(beside: set[str]) -> bool:
    return any(re.fullmatch(_PEOPLE, word) for word in beside - {"drivers", "driver", "head"})


def _bare(word: str) -> str | None:
    """Return the known word in one that may have a number, a person or a label grown to it."""
    plain = word.rstrip("0123456789")
    for text in (word, plain):
        if any(text in known for known in _KINDS.values()):
            return text
    known = "sex|gender|age|race|ethnicity|religion|nationality|geschlecht|alter|marital"
    match = re.fullmatch(rf"(?:{_PEOPLE})?(?P<word>{known})(?:{_LABELS})?", plain)
    return match["word"] if match else None


def _contradicted(name: str, kind: str, texts: list[str], full: bool) -> bool:
    """Whether values cannot be those of the kind: an age of 365, fifty sexes."""
    numbers = values.numbers(texts)
    numeric = len(texts) > 0 and float(np.isfinite(numbers).mean()) > 0.9
    if kind == "age":
        known = numbers[np.isfinite(numbers)]
        return numeric and (known.max() > _OLDEST or (known.min() < 0 and known.min() not in (-1,)))
    if kind in ("sex", "health", "family"):
        most = 25 if kind != "health" or numeric else 12
        return len(texts) > most
    if kind == "census":
        return len(texts) > 9 and numeric and (name in _SHORT or bool((numbers % 1 != 0).any()))
    if kind in ("origin", "belief", "other"):
        whole = numeric and bool(np.all(numbers[np.isfinite(numbers)] % 1 == 0))
        return numeric and (not whole or (full and len(texts) > 1_000))
    return False


def _fits(wanted: str, texts: list[str]) -> bool:
    if wanted == "yes":
        return {text.casefold() for text in texts} <= {"yes", "no", "true", "false", "y", "n"}
    numbers = values.numbers(texts)
    numeric = len(texts) > 0 and bool(np.isfinite(numbers).all())
    if wanted == "age":
        return numeric and len(texts) >= 30 and numbers.min() >= 14 and numbers.max() <= _OLDEST
    if wanted == "date":  # 1970, 1970-01-31
        years = [re.search(r"\b(?:19|20)\d\d\b", text) for text in texts[:50]]
        return bool(texts) and all(years)
    return False


def by_values(texts: list[str], *, initials: bool = False) -> str | None:
    """Return of which protected group the values are, if they are words of one.

    M and F alone are felonies and misdemeanours too: `initials` says whether they will do.
    """
    if not 2 <= len(texts) <= 40:
        return None
    levels = [set(re.split(r"[\W_]+", text.casefold())) - {""} for text in texts]
    plain = {text.casefold().strip(" .") for text in texts}
    written = initials or any(len(text) > 1 for text in plain & (_MALE | _FEMALE))
    both = plain & _MALE and plain & _FEMALE and plain <= _MALE | _FEMALE | _NEITHER
    if both and written:
        return "sex"
    for kind, known, least in (("family", _MARITAL, 3), ("belief", _FAITHS, 2),
                               ("sexual", _SEXUAL, 2)):  # fmt: skip
        hits = sum(bool(level & known) for level in levels)
        if hits >= least and hits >= 0.5 * len(levels):
            return kind
    hits = sum(bool(level & _RACES) for level in levels)
    if hits >= max(3, 0.5 * len(levels)) and any(level & _TELLING_RACES for level in levels):
        return "origin"
    return None
