"""Words of other systems and languages, read as the words of our closed lists. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from salesops.records.entities import entity as find_entity

TRUE_WORDS = frozenset(
    [
        "1",
        "true",
        "t",
        "yes",
        "y",
        "x",
        "on",
        "ja",
        "wahr",
        "oui",
        "vrai",
        "si",
        "sí",
        "sim",
        "tak",
        "prawda",
        "da",
        "はい",
        "예",
    ]
)
FALSE_WORDS = frozenset(
    [
        "0",
        "false",
        "f",
        "no",
        "n",
        "off",
        "nein",
        "falsch",
        "non",
        "faux",
        "não",
        "nao",
        "nie",
        "nee",
        "いいえ",
        "아니오",
    ]
)

# (entity, field) -> word -> what others call it, separated by "|". Compared as `plain` texts.
_SYNONYMS: dict[tuple[str, str], dict[str, str]] = {
    ("opportunity", "type"): {
        "new": "new business|new customer|newbusiness|new logo|new account|net new|new client|initial|first sale|hunting"
        "|neukunde|neugeschaft|nouveau client|nouvelle affaire|nuevo cliente|nuevo negocio|nowy klient|nowy biznes"
        "|nuovo cliente|novo cliente|nieuwe klant",
        "expansion": "existing business|existingbusiness|existing customer|upgrade|upsell|up sell|cross sell|crosssell|add on"
        "|addon|existing customer upgrade|existing customer replacement|existing customer downgrade|growth|farming"
        "|existing|bestandskunde|bestandsgeschaft|erweiterung|client existant|cliente existente|istniejacy klient",
        "renewal": "renew|renewals|contract renewal|existing customer renewal|extension|verlangerung|erneuerung"
        "|renouvellement|renovacion|odnowienie|rinnovo|renovacao|verlenging",
    },
    ("opportunity", "category"): {
        "omitted": "omit|not forecasted|notforecasted|excluded|none",
        "pipeline": "pipe|upside low",
        "best_case": "best case|bestcase|upside|most likely|mostlikely|probable|expect",
        "commit": "forecast|committed|commit forecast",
        "closed": "closed won|won|booked",
    },
    ("account", "type"): {
        "prospect": "suspect|target|lead|other|interessent|prospecto|potential customer|vendor prospect",
        "customer": "customer direct|customer channel|client|existing customer|current customer|kunde|cliente|klient|klant"
        "|active customer|installation partner customer|evangelist",
        "competitor": "competition|wettbewerber|concurrent|competidor|konkurent",
        "partner": "channel partner reseller|channel partner|reseller|installation partner|technology partner|integrator"
        "|distributor|supplier|vendor|agency|partenaire|socio",
    },
    ("activity", "kind"): {
        "call": "phone call|outbound call|inbound call|telephone|phone|calls|anruf|appel|llamada|rozmowa|telefonat|logged call",
        "email_out": "email|e mail|mail|outgoing email|email sent|sent email|listemail|list email|cadence|outreach|emails"
        "|courriel|correo|outgoing|email outgoing",
        "email_in": "incoming email|email received|forwarded email|reply|received email|inbound email|email incoming",
        "meeting": "event|appointment|lunch|visit|on site|onsite|video call|conference|besprechung|termin|reunion"
        "|spotkanie|meetings|face to face|web meeting|first meeting|discovery call",
        "demo": "product demo|demonstration|online demo|demo call",
        "proposal": "proposal sent|quote|quotation|offer|angebot|offerte|oferta",
        "presentation": "pitch|prasentation|prezentacja|presentacion",
        "social": "linkedin|linked in|linkedin message|linked in message|social media|xing",
        "message": "sms|whatsapp|whats app|text|chat|communication|conversation session|text message",
        "admin": "administration|verwaltung",
        "crm_entry": "crm entry|data entry",
        "training": "coaching|schulung",
        "internal": "internal meeting|team meeting|standup|one on one",
        "travel": "drive|reise|trip",
        "task": "to do|todo|deadline|follow up|followup|reminder|aufgabe|tarea|zadanie|other",
        "note": "notes|comment|notiz|postal mail|notatka",
    },
    ("activity", "direction"): {
        "out": "outbound|outgoing|sent|email|ausgehend|sortant",
        "in": "inbound|incoming|received|incoming email|eingehend|entrant",
        "none": "internal|neither",
    },
    ("activity", "status"): {
        "booked": "scheduled|planned|not started|in progress|waiting on someone else|open|upcoming|pending|rescheduled"
        "|deferred|0|false|todo|to do|not done",
        "held": "completed|complete|done|finished|closed|sent|connected|1|true|answered|erledigt",
        "cancelled": "canceled|declined|declined by lead|declined by org|abgesagt|failed|deleted",
        "no_show": "no show|noshow|no answer|noanswer|busy|missed|did not attend",
    },
    ("consent", "kind"): {
        "consent": "opt in|optin|subscribed|granted|given",
        "withdrawal": "opt out|optout|unsubscribed|unsubscribe|withdrawn|revoked",
        "suppression": "suppressed|do not contact|blocked",
        "bounce": "bounced|hard bounce|soft bounce",
        "complaint": "spam|spam report|spamreport",
    },
    ("engagement_event", "kind"): {
        "visit": "page view|pageview|page visited on website|session|page",
        "open": "opened|email opened|email open",
        "click": "clicked|email link clicked|email click",
        "form": "submitted|form submission|form submitted on website|submission|download",
    },
    ("opportunity_split", "kind"): {"credit": "revenue|split|primary|owner", "overlay": "overlay split|shadow|assist"},
    ("reporting_line", "kind"): {"line": "solid|direct|manager|primary", "matrix": "dotted|functional|secondary"},
    ("absence", "kind"): {
        "leave": "holiday|vacation|pto|annual leave|urlaub|time off",
        "sick": "sickness|illness|sick leave|krank",
        "parental": "maternity|paternity|parental leave|elternzeit",
        "training": "course|education",
        "other": "unpaid|sabbatical",
    },
    ("invoice", "kind"): {
        "invoice": "bill|rechnung|facture|factura|faktura|fattura",
        "credit_note": "credit note|credit memo|refund|gutschrift|avoir|nota de credito|korekta",
    },
    ("cost", "function"): {
        "sales": "vertrieb|selling",
        "marketing": "advertising|mktg|ads",
        "service": "support|customer success|services",
        "product": "r d|rnd|research|development|engineering",
        "general": "g a|admin|overhead|finance|hr",
    },
    ("exchange_rate", "kind"): {"spot": "daily|actual|market|average", "plan": "budget|constant", "pay": "payroll"},
    ("target", "kind"): {
        "quota": "sales quota|street quota",
        "plan": "budget|plan target|company plan",
        "goal": "target|ziel",
    },
    ("target", "status"): {"draft": "open", "published": "active|final|approved", "withdrawn": "cancelled|archived"},
    ("business_unit", "kind"): {
        "unit": "division|department|bu|region",
        "legal_entity": "legal entity|company|subsidiary",
    },
    ("pipeline", "kind"): {"sales": "deal|deals|opportunity", "process": "ticket|support|case"},
    ("stage", "kind"): {"open": "active|in progress|pipeline", "won": "closed won", "lost": "closed lost"},
}

_WON = (
    "won|win|wins|sold|success|successful|deal closed|gewonnen|gewonnene|auftrag erhalten|wygran[aeyi]?|gagne[es]*|"
    "ganad[ao]s?|vint[aoei]|ganh[ao]s?|vundet|vunnet|vunnen|voitettu|vyhran[aeo]|vyigrana?|kazanildi|"
    "выиграна?о?|успешно реализовано|受注|成約|수주|성사|성공|赢单|贏單|成交|"
    "purchased|converted to customer|order received|contract signed|payment received|auftrag"
)
_LOST = (
    "lost|lose|loss|not won|wont|won t|dead|abandoned|abandonned|disqualified|unqualified|not qualified|rejected|"
    "declined|cancell?ed|no decision|no sale|not interested|no interest|churned|verloren|abgelehnt|abgesagt|storniert|"
    "przegran[aeyi]?|stracon[aey]|utracon[aey]|odrzucon[aey]|perdu[es]*|perdid[ao]s?|pers[aoei]|cancelad[ao]|rechazad[ao]|"
    "tabt|tapt|forlorad|forlorat|havitty|prohran[aeo]|ztracen[aeo]|kaybedildi|проигран[ао]?|потеряна?|失注|敗注|실패|실주|"
    "丢单|輸單|失败|archived lost|duplicate|withdrawn|dropped|killed"
)
_PITCH = (
    "demos?|demonstration|presentations?|presented|presenting|proposals?|proposed|pitch|pitched|pitching|quotes?|quoted|"
    "quotation|price quote|rfp|offers?|offered|"
    "angebot|angebote|prasentation|vorfuhrung|oferta|wycena|prezentacja|presentacion|propuesta|demostracion|"
    "proposition commerciale|offre|devis|proposta|presentazione|offerta|offerte|apresentacao|提案|デモ|見積|제안|데모|견적|报价|演示"
)
_QUALIFIED = (
    "qualified|sql|sales qualified|sales accepted|qualifiziert|zakwalifikowan[aey]|qualifie[es]*|calificad[ao]|cualificad[ao]|"
    "qualificat[ao]|qualificad[ao]|gekwalificeerd|有望|適格|검증됨"
)


def _words(alternatives: str) -> re.Pattern[str]:
    """Whole words in scripts that separate them, anywhere in those that do not."""
    parts = alternatives.split("|")
    spaced = "|".join(p for p in parts if p.isascii())
    joined = "|".join(p for p in parts if not p.isascii())
    return re.compile(rf"(?<![a-z])(?:{spaced})(?![a-z])" + (f"|{joined}" if joined else ""))


_IS_WON, _IS_LOST, _IS_PITCH, _IS_QUALIFIED = map(_words, (_WON, _LOST, _PITCH, _QUALIFIED))
_NOT_PITCH = re.compile(
    r"value proposition|counter ?offer|before (demo|proposal)|demo (request|booked|scheduled)|request"
)
_CLOSED = re.compile(
    r"(?<![a-z])(closed|close|complete|completed|done|abgeschlossen|zamkniet[aey]|ferme[es]?|cerrad[ao]|chius[ao])(?![a-z])"
)
_NOT_YET = re.compile(
    r"(?<![a-z])(pre|to be|being|not|un|dis|waiting|pending|ready to|likely to|win back|winback)(?![a-z])"
)
_LETTERS = str.maketrans({"ł": "l", "Ł": "l", "ß": "ss", "ø": "o", "Ø": "o", "æ": "ae", "ı": "i"})


def plain(text: str) -> str:
    """A text in lower case without accents, with one space for every run of other signs.

    >>> plain("Closed-Won (EMEA)"), plain("Gagnée")
    ('closed won emea', 'gagnee')
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    folded = unicodedata.normalize(
        "NFC", "".join(ch for ch in folded if not unicodedata.combining(ch) or ord(ch) > 0x3000)
    )
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())


@cache
def synonyms(entity: str, field: str) -> dict[str, str]:
    """Lower-case text -> our word, for a set-based reading of a `kind` field. Empty where nothing is known."""
    found: dict[str, str] = {}
    for word, texts in _SYNONYMS.get((entity, field), {}).items():
        for text in texts.split("|"):
            for spelling in {text, text.replace(" ", "_"), text.replace(" ", "-"), text.replace(" ", "")}:
                found.setdefault(spelling, word)
    for (name, other), text, word in _SPELLINGS:
        if (name, other) == (entity, field):
            found.setdefault(text, word)
    return found


# Written with signs that `plain` takes away, as the systems' exports have them.
_SPELLINGS = [
    (("opportunity", "type"), "existing customer - upgrade", "expansion"),
    (("opportunity", "type"), "existing customer - replacement", "expansion"),
    (("opportunity", "type"), "existing customer - downgrade", "expansion"),
    (("account", "type"), "customer - direct", "customer"),
    (("account", "type"), "customer - channel", "customer"),
    (("account", "type"), "channel partner / reseller", "partner"),
    (("activity", "status"), "declined-by-lead", "cancelled"),
    (("cost", "function"), "r&d", "product"),
    (("cost", "function"), "g&a", "general"),
]


def normal_word(entity: str, field: str, text: str) -> str | None:
    """The word of a closed list that a text means; None when nobody knows."""
    words = find_entity(entity).field(field).words
    lower = text.strip().lower()
    if lower in words:
        return lower
    found = plain(text)
    if found.replace(" ", "_") in words:
        return found.replace(" ", "_")
    known = synonyms(entity, field)
    word = known.get(lower) or known.get(found)
    if word is None and (entity, field) == ("stage", "kind") and found:
        return stage_kind(text)
    return word


def truthy(text: str | None) -> bool:
    """Whether a text says yes; empty says no."""
    return (text or "").strip().lower() in TRUE_WORDS


def stage_kind(name: str, is_closed: bool | None = None, is_won: bool | None = None) -> str:
    """`open`, `won` or `lost`: from what the source says of the stage, else from its name.

    >>> stage_kind("Closed Won"), stage_kind("Verloren"), stage_kind("Negotiation"), stage_kind("X", is_closed=True, is_won=False)
    ('won', 'lost', 'open', 'lost')
    """
    if is_won:
        return "won"
    if is_closed is False:
        return "open"
    text = plain(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    text = re.sub(r"closed?(won|lost)", r"closed \1", text)
    if _IS_LOST.search(text):
        return "lost"
    if is_closed and is_won is False:
        return "lost"
    if _IS_WON.search(text) and not _NOT_YET.search(text):
        return "won"
    return "open" if is_closed is None else "lost"


def stage_kinds(names: Iterable[str]) -> dict[str, str]:
    """Kinds of the stages of one pipeline. A plain "Closed" beside a lost stage, with no won one, is the won stage."""
    found = {name: stage_kind(name) for name in names}
    if "lost" in found.values() and "won" not in found.values():
        for name, kind in found.items():
            if kind == "open" and _CLOSED.search(plain(name)):
                found[name] = "won"
    return found


def is_pitch(name: str) -> bool:
    """Whether entering a stage of this name is a pitch: a demo, a presentation, a proposal."""
    text = plain(name)
    return bool(_IS_PITCH.search(text)) and not _NOT_PITCH.search(text)


def is_qualified(name: str) -> bool:
    """Whether a deal in a stage of this name has been found worth selling to."""
    text = plain(name)
    if _IS_LOST.search(text) or re.search(r"(?<![a-z])(pre|un|to be|not)(?![a-z])", text):
        return False
    return bool(_IS_QUALIFIED.search(re.sub(r"qualifiedtobuy", "qualified to buy", text)))


_RANKS = (
    "prospect|lead|new|neu|nowy|nouveau|nuevo|target|identified|open", "appointment|contact|engag|connect|discover|meeting|termin|kontakt",
    "qualif|needs|bedarf|analy|zakwalif", "demo|presentation|prasent|prezent|solution|value|evaluat|decision", "perception|trial|pilot|poc",
    "propos|quote|angebot|oferta|offre|offer|devis|propuesta|pric", "negot|verhandl|review|legal", "contract|vertrag|umow|verbal|commit|procure|sign",
)  # fmt: skip


def stage_rank(name: str) -> int:
    """Where a stage of this name usually stands in a pipeline: 0 first; the middle when its name says nothing."""
    text = plain(name)
    found = [n for n, words in enumerate(_RANKS) if re.search(words, text)]
    return max(found) if found else len(_RANKS) // 2


_NOISE = frozenset(
    [
        "data",
        "sf",
        "salesforce",
        "hubspot",
        "crm",
        "exports",
        "export",
        "exported",
        "all",
        "pipedrive",
        "closeio",
        "records",
        "extract",
        "dump",
        "raw",
        "stg",
        "src",
        "dbo",
        "api",
        "v1",
        "v2",
        "report",
        "full",
        "latest",
        "current",
        "csv",
        "xlsx",
        "final",
        "backup",
        "seed",
        "table",
    ]
)


def object_name(file_name: str) -> str:
    """What a file holds by its name: without ending, dates, and words that every export carries.

    >>> object_name("sf_opportunity_history_data.csv"), object_name("hubspot-crm-exports-all-deals-2024-01-31.csv.gz")
    ('opportunityhistory', 'deals')
    """
    stem = re.sub(
        r"(\.(csv|tsv|txt|xlsx|xls|parquet|jsonl|ndjson|json|xes|gz|zip))+$",
        "",
        file_name.rpartition("/")[2],
        flags=re.I,
    )
    stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem)
    stem = re.sub(r"(product|pricebook|territory)[ _]?2(?!\d)", r"\1two", stem.lower())
    words = [w for w in re.split(r"[^a-z]+", stem) if w]
    kept = [w for n, w in enumerate(words) if w not in _NOISE and not (n == 0 and w == "close" and len(words) > 1)]
    return "".join(kept or words).replace("two", "2")
