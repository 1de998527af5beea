"""Names of things that are known only once the outcome is, alone or beside the target's name."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.table.column_names import words

LATE = 0.1
"""Association from which on a column with an outright name is suspected."""
HINT = 0.4
"""The same where the name can also be of something known before: a loan has a duration too."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LATE = _set("""
    outcome outcomes result results resolution resolved closed closure settled settlement
    recovered recovery recoveries refund refunded chargeback chargedoff chargeoff writeoff
    cancelled canceled cancellation churned terminated termination discharge discharged deceased
    death defaulted delinquent predicted prediction proba probability approved rejected decision
    verdict disposition realized realised autopsy readmitted reoffended convicted converted
    delivered followup aftermath postmortem exitus
    ergebnis ausgang gekuendigt kundigung kuendigung kundigungsgrund storniert entlassung entlassen
    tod verstorben austritt austrittsdatum ruckzahlung abgeschlossen
    resultat cloture resiliation resilie annule annulation deces decede remboursement rembourse
    resultado cierre cerrado cancelado cancelacion fallecido fallecimiento muerte reembolso
    """)
_HINTS = _set("""
    duration event events elapsed end ended final actual reason label target paid repaid collected
    arrived landed boat body repayment payout dauer ende grund bezahlt duree fin raison paye
    duracion motivo pagado
    """)
_HINT_PHRASES = (
    "total rec", "total pymnt", "total payment", "last payment", "last pymnt", "out prncp",
    "time to", "days to", "days until", "months to", "years to", "closing fee", "closing date",
)  # fmt: skip
# What is known early, whatever else the name says.
_EARLY = _set("""
    prev previous previously prior past lag lagged ago before earlier history historical initial
    planned scheduled sched expected requested estimated forecast crs dep departure yesterday
    vorher bisher geplant precedent anterior previo
    """)
_THEMES = tuple(
    _set(line)
    for line in (
        "death died dead die dies deceased survival survived survive survivor alive mortality fatal"
        " body boat lifeboat autopsy burial rescued expired hospice tod verstorben muerte deces",
        "churn churned cancel canceled cancelled cancellation attrition exited exit left leave"
        " leaver leaving quit resigned resignation terminated termination kundigung kuendigung",
        "default defaulted chargeoff chargedoff writeoff recovery recoveries recovered collection"
        " collections delinquent bankrupt repaid ausfall impago",
        "delay delayed arr arrival arrived late lateness verspatung retard retraso",
        "recid recidivism recidivist reoffend reoffended rearrest rearrested convicted violation",
        "fraud fraudulent chargeback dispute disputed betrug fraude",
        "readmit readmitted readmission discharge discharged",
        "converted conversion purchase purchased ordered bought revenue",
    )
)
# Words that many columns of one table share.
_COMMON = _set("""
    value values price amount total mean median average max min count number rate ratio year month
    date time hour type code class level name group status flag index score
    """)


@dataclass(frozen=True)
class Hint:
    """What a name says.

    Attributes
    ----------
    reason : str
        In words, to follow "its name".
    least : float
        The association from which on it makes a suspect.
    early : bool
        Whether the name also says that the value is older: ``previous_cancellations``.
    """

    reason: str
    least: float
    early: bool


def hint_of(name: str, target: str) -> Hint | None:
    """Return why a column's name suggests that it is known only after the outcome, or None."""
    own, theirs = words(name), words(target)
    own += [word[:-1] for word in own if len(word) > 5 and word.endswith("s")]
    early = bool(_EARLY & set(own))
    if _alike(own, theirs):
        return Hint("is like the target's", LATE, early)
    for theme in _THEMES:
        told = theme & set(own)
        if told and theme & set(theirs):
            return Hint(f"({min(told)!r}) speaks of what the target is about", LATE, early)
    late = _LATE & set(own)
    if late:
        return Hint(f"({min(late)!r}) suggests that it is known only afterwards", LATE, early)
    text = f" {' '.join(words(name))} "
    hints = [p for p in _HINT_PHRASES if f" {p} " in text] or sorted(_HINTS & set(own))
    if hints or own == ["time"]:
        word = hints[0] if hints else "time"
        return Hint(f"({word!r}) may mean something known only afterwards", HINT, early)
    return None


def _alike(own: list[str], target: list[str]) -> bool:
    if len("".join(target)) >= 4 and set(target) <= set(own):
        return True
    if len("".join(own)) >= 4 and set(own) <= set(target):
        return True
    head = target[-1] if target else ""
    return len(head) >= 4 and head not in _COMMON and head in own
