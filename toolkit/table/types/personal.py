"""Which columns name single persons or things: people's names, addresses, numbers of accounts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import numpy as np

from toolkit.table.column_names import word_set, words

PEOPLE = ("first names", "last names", "names of people")
MOST = 400
"""Distinct values that are looked at."""
_SHARE = 0.9
_SURNAMES = word_set(
    "surname lastname familyname nachname familienname apellido apellidos apellido1 apellido2"
    " cognome sobrenome achternaam efternamn etternavn sukunimi nazwisko lname ln secondname"
)
_GIVEN = word_set(
    "firstname forename givenname vorname prenom middlename fname imie fornavn fornamn voornaam"
    " etunimi nombres primernombre"
)
_FULL = word_set("fullname nomcomplet nombrecompleto nomecompleto username personname")
_NAME = word_set("name names nombre nom nome naam navn namn nimi")
_WHOSE = word_set(
    "first last full given middle maiden family legal birth sur fore second customer client"
    " patient applicant borrower person people user employee member respondent driver passenger"
    " student contact owner guest holder cardholder account teacher doctor physician nurse"
    " subscriber player athlete author candidate defendant victim officer manager agent rep"
    " father mother spouse child kunden completo complet propio paciente cliente alumno"
)
_TITLES = re.compile(
    r"\b(mr|mrs|ms|miss|dr|prof|rev|herr|frau|fr[äa]ulein|sr|sra|srta|do[nñ]a|don|mme|mlle|sig)\b"
    r"\.?\s", re.I
)  # fmt: skip
_NAMED = re.compile(r"[^\W\d_][^\W\d_'’.\-]*([ ,.'’\-]+[^\W\d_][^\W\d_'’.\-]*){0,6}\.?( ?\(.*\))?")
# Names of these are no persons', though places, ships and products bear persons' names.
_THINGS = word_set(
    "city town village place county state country region province district station airport street"
    " road school college university hospital clinic company firm business employer brand product"
    " item model make vehicle car ship boat vessel horse team club event race track movie film"
    " song book title album game species breed plant disease drug medicine hotel restaurant store"
    " shop branch site project campaign file column variable measure feature class category group"
    " type stadium venue neighbourhood neighborhood area park river stadt ort ciudad ville land"
    " provider bank airline device machine host server domain package app sector department"
    " provincia municipio colour color shape fruit day month job occupation"
)
_NAMES_TEXT = """
james john robert michael william david richard joseph thomas charles christopher daniel matthew
anthony mark donald steven paul andrew joshua kenneth kevin brian george edward ronald timothy
jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin
samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron henry peter adam
nathan douglas zachary walter kyle harold carl arthur roger keith jeremy gerald ethan sean albert
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa betty margaret
sandra ashley kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca sharon
laura cynthia kathleen amy angela shirley anna brenda pamela emma nicole helen samantha katherine
christine debra rachel carolyn janet catherine maria heather diane olivia julie joyce victoria
ruth virginia lauren kelly christina joan evelyn judith megan andrea cheryl hannah jacqueline
martha gloria teresa ann sara madison frances kathryn janice jean alice sophia grace denise amber
marilyn danielle beverly isabella theresa diana natalie brittany charlotte marie kayla alexis lori
noah liam mason lucas oliver elijah logan owen harry charlie oscar leo freya poppy jose juan luis
carlos jorge manuel jesus antonio francisco javier alejandro miguel angel pedro pablo sergio
fernando ramon rafael diego andres ricardo eduardo enrique alberto rosa carmen ana isabel lucia
elena pilar dolores josefa mercedes concepcion marta paula beatriz gabriela guadalupe juana
margarita ignacio felipe alvaro mateo santiago joaquin hans jurgen juergen klaus wolfgang karl
heinz gunter guenter helmut uwe dieter horst manfred bernd frank stefan andreas martin matthias
markus sven jens lukas leon finn jonas felix maximilian moritz tobias florian sebastian ursula
monika petra sabine renate helga ingrid brigitte gisela heike birgit anja katrin julia lena lea
mia johanna greta heidi pierre michel philippe alain jacques bernard francois nicolas laurent
thierry jean-pierre sophie camille chloe lea manon nathalie isabelle sylvie monique giuseppe
giovanni luigi marco luca matteo alessandro francesco andrea roberto stefano paolo giulia chiara
francesca sofia valentina joao paulo luiz marcos jorge tiago bruno mariana fernanda juliana
adriana camila beatriz piotr krzysztof andrzej tomasz jan pawel marcin agnieszka katarzyna
malgorzata ewa mohammed muhammad mohamed ahmed ali hassan hussein omar ibrahim yusuf fatima aisha
mariam zainab wei li fang min jing yan hui chen hiroshi takashi yuki sakura haruto raj amit rahul
priya anjali sanjay vijay lakshmi sunita olga ivan dmitri sergei natalia tatiana svetlana vladimir
erik lars anders johan karin astrid nils sven owen hugo emil ingeborg laina karolina august
"""
_GIVEN_NAMES = frozenset(_NAMES_TEXT.split())

_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}")
_URL = re.compile(r"(https?://|www\.)\S+", re.I)
_UUID = re.compile(r"\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?", re.I)
_HASH = re.compile(r"(0x)?(?=.*\d)(?=.*[a-f])[0-9a-f]{24,}", re.I)
_IBAN = re.compile(r"[A-Z]{2}\d{2}( ?[0-9A-Z]){11,30}")
_MACHINE = re.compile(
    r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(\d{1,3}\.){3}\d{1,3}|([0-9a-f]{0,4}:){4,7}[0-9a-f]{0,4}",
    re.I,
)
_SOCIAL = re.compile(r"\d{3}-\d{2}-\d{4}")
_CARD = re.compile(r"(\d{4}[ -]?){3}\d{2,4}")
_PHONE = re.compile(r"(?=(\D*\d){7,15}\D*$)(\+|00)?[\d\s()./-]{7,22}(\s*(x|ext\.?)\s*\d+)?")
_WRITTEN_PHONE = re.compile(r"(?=(\D*\d){8,15}\D*$)"
                            r"(\+\d[\d\s()./-]{7,20}|\(\d{2,5}\)\s?[\d\s-]{5,12}"
                            r"|\d{3}[-. ]\d{3}[-. ]\d{4})")  # fmt: skip
_PLATE = re.compile(r"(?=.*\d)(?=.*[A-Z])[A-ZÄÖÜ0-9]{1,4}([ -]?[A-Z0-9]{1,4}){1,3}")
_STREET = re.compile(
    r"\d+[a-z]?,? .*\b(st|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|ct|court|way|"
    r"hwy|highway|pl|place)\b.*|.*(stra(ss|ß)e|str\.|weg|platz|allee|gasse)\b,? \d+.*|"
    r"\b(calle|avenida|av\.?|c/|plaza|rue|via|viale|rua|paseo)\b.*\d+.*", re.I
)  # fmt: skip

_KINDS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("e-mail addresses", _MAIL.fullmatch),
    ("web addresses", _URL.fullmatch),
    ("UUIDs", _UUID.fullmatch),
    ("bank account numbers", _IBAN.fullmatch),
    ("addresses of machines", _MACHINE.fullmatch),
    ("social security numbers", _SOCIAL.fullmatch),
    ("card numbers", lambda text: _CARD.fullmatch(text) and _luhn(text)),
    ("phone numbers", _WRITTEN_PHONE.fullmatch),
    ("postal addresses", _STREET.match),
    ("hashes", _HASH.fullmatch),
)
_NAMED_KINDS: tuple[tuple[str, frozenset[str], Callable[[str], object]], ...] = (
    ("phone numbers", word_set("phone telephone tel telefon telefono mobile handy cell cellphone"
                               " fax msisdn movil telefone"), _PHONE.fullmatch),
    ("licence plates", word_set("plate plates licenceplate licenseplate kennzeichen matricula"
                                " targa registration numberplate"), _PLATE.fullmatch),
    ("postal addresses", word_set("address addr street adresse anschrift strasse direccion"
                                 " domicilio"
                                  " indirizzo endereco calle rue adres"),
     lambda text: re.search(r"\d", text) and re.search(r"[^\W\d_]{3}", text)),
    ("social security numbers", word_set("ssn nino sozialversicherungsnummer dni nif nie passport"
                                         " curp cpf cnpj codicefiscale steuernummer taxid"),
     re.compile(r"[\w .\-/]{6,}").fullmatch),
    ("user names", word_set("username login handle nickname screenname userid benutzername"
                            " usuario"), re.compile(r"\S+").fullmatch),
    ("card numbers", word_set("cardnumber creditcard kreditkarte pan"), _CARD.fullmatch),
    ("bank account numbers", word_set("iban bban kontonummer accountnumber"),
     re.compile(r"[\dA-Z ]{8,}").fullmatch),
    ("vehicle numbers", word_set("vin imei fahrgestellnummer chassis"),
     re.compile(r"[A-Z0-9]{11,17}", re.I).fullmatch),
)  # fmt: skip


def people(name: str, texts: list[str]) -> str | None:
    """Return why values are names of people: ``first names``, ``last names``, ``names``, or None.

    Parameters
    ----------
    name : str
        The column's name.
    texts : list of str
        Distinct values, or some of them.
    """
    texts = texts[:MOST]
    found = words(name)
    joined = "".join(found)
    if not texts or set(found) & _THINGS:
        return None
    shaped = float(np.mean([bool(_NAMED.fullmatch(text)) and len(text) <= 90 for text in texts]))
    if shaped < 0.8:
        return None
    if {joined, *found} & _SURNAMES or {"last", "name"} <= set(found) or found[:1] == ["last"]:
        return "last names" if len(texts) > 2 else None
    if {joined, *found} & _GIVEN or {"first", "name"} <= set(found):
        return "first names" if len(texts) > 2 else None
    titled = float(np.mean([bool(_TITLES.search(text)) for text in texts]))
    listed = bool(set(found) & _NAME or {joined, *found} & _FULL)
    given = _given(texts)
    if found in (["first"], ["given"], ["fore"]) and given >= 0.15:
        return "first names"
    whose = listed and bool(set(found) & _WHOSE)
    least = 0.05 if whose else 0.2 if listed else 0.5
    many = len(texts) >= 10
    if many and max(given, titled) >= least:
        several = float(np.mean([len(re.findall(r"[^\W\d_]+", text)) for text in texts]))
        return "names of people" if several >= 1.5 else "first names"
    return None


def _given(texts: list[str]) -> float:
    hits = 0
    for text in texts:
        plain = unicodedata.normalize("NFKD", text.casefold())
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
        parts = re.findall(r"[^\W\d_]+", plain)
        hits += len(parts) <= 8 and any(part in _GIVEN_NAMES for part in parts)
    return hits / len(texts)


def reference(name: str, texts: list[str]) -> str | None:
    """Return what values identify, such as ``e-mail addresses``, or None.

    Parameters
    ----------
    name : str
        The column's name.
    texts : list of str
        Distinct values, or some of them.
    """
    texts = texts[:MOST]
    found = words(name)
    own = {"".join(found), *found}
    for what, shape in _KINDS:
        if _share(texts, shape) >= _SHARE:
            return what
    for what, known, loose in _NAMED_KINDS:
        if own & known and _share(texts, loose) >= 0.8 and not own & _MEASURES:
            return what
    return None


_MEASURES = word_set("type service services brand model plan os carrier usage minutes calls has is"
                     " count number_of length size speed date year fee tax status")  # fmt: skip


def _share(texts: list[str], shape: Callable[[str], object]) -> float:
    # Most columns are settled by their first cells.
    head = [bool(shape(text)) for text in texts[:10]]
    if sum(head) < 0.5 * len(head):
        return 0.0
    return float(np.mean([bool(shape(text)) for text in texts])) if texts else 0.0


def _luhn(text: str) -> bool:
    digits = [int(sign) for sign in text if sign.isdigit()][::-1]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
