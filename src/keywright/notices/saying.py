"""A notice in words: its wording, translated, with its values filled in. Pure.

Values come from people, some from strangers: each becomes one line of bounded length without anything unseen in it, and
is filled in after the translation, so that no value is ever taken for a template.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from gettext import NullTranslations
from urllib.parse import urlsplit

from keywright.notices.model import CODE, Notice, Said, Wording, marked
from keywright.notices.wording import WORDINGS
from keywright.notices.words import in_words

VALUE = re.compile(r"\{(\w+)\}")
LONGEST = 120
"""Characters of a value that are shown."""

BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
"""Words in a user agent and what people call them; the first that fits, because each browser names the later ones too."""

UNSEEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
KEY, FROM, WHEN, BY = marked("Key"), marked("From"), marked("When"), marked("By")
SUB_ACCOUNT, REPLACED, REST = marked("Sub-account"), marked("In place of"), marked("No withdrawals until")
NAMED_KEY = marked("“{name}” ({key})")
ANYWHERE, NOBODY_KNOWN = marked("any address"), marked("unknown")
OPERATOR, ITSELF = marked("the operator of this service"), marked("the service itself")


def wording_of(kind: str) -> Wording:
    """Return what a kind says; a code's purpose that has no words of its own is said in general."""
    known = WORDINGS.get(kind)
    if known is None:
        known = WORDINGS["code.other"] if kind.startswith(CODE) else Wording(kind, "")
    return known


def say(notice: Notice, texts: NullTranslations) -> Said:
    """Return the notice in words."""
    wording, said = wording_of(notice.kind), texts.gettext
    values = _values(notice, texts)
    facts = []
    if notice.detail.get("sub_account"):
        facts.append((said(SUB_ACCOUNT), values["sub_account"]))
    if notice.detail.get("key"):
        name, key = values.get("name"), values["key"]  # of a withdrawal the key's id alone is told
        facts.append((said(KEY), _filled(said(NAMED_KEY), {"name": name, "key": key}) if name else masked(key)))
    if notice.detail.get("replaces"):
        facts.append((said(REPLACED), masked(values["replaces"])))
    facts.append((said(WHEN), moment(notice.at)))
    place = ", ".join(filter(None, (one_line(notice.detail.get("from")), program(notice.detail.get("agent")))))
    if place:
        facts.append((said(FROM), place))
    by = {"operator": OPERATOR, "system": ITSELF}.get(str(notice.detail.get("by", "")))
    if by:
        facts.append((said(BY), said(by)))
    rest_until = notice.detail.get("rest_until")
    if isinstance(rest_until, int):
        facts.append((said(REST), moment(rest_until)))
    title = _filled(said(wording.title), values)
    short = _filled(said(wording.short), values) if wording.short else title
    if notice.detail.get("sub_account"):
        short += f" ({values['sub_account']})"
    return Said(title, _filled(said(wording.text), values) if wording.text else "", tuple(facts), short)


QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "\u202f": None, "’": "'", "…": "...", "–": "-"}
)
"""What a short message has to be free of: one such sign halves the room there is in it."""


def text_message(said: Said, *, code: str, origin: str) -> str:
    """Return a notice with a code as a text message. Its last line binds the code to the console's own address: phones fill
    it in there and nowhere else (https://wicg.github.io/sms-one-time-codes/)."""
    host = urlsplit(origin).hostname or ""
    return f"{code}: {said.short}\n\n@{host} #{code}".translate(QUOTES)


def one_line(value: object) -> str:
    """Return a value as it may stand in a line: nothing unseen in it, no end of line, not too long."""
    text = "" if value is None else str(value)
    seen = "".join(" " if unicodedata.category(one) in UNSEEN else one for one in text[: 4 * LONGEST])
    seen = " ".join(seen.split())
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…"


def moment(at: int) -> str:
    """Return when this was, the same in every language."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day_of(at: int) -> str:
    """Return the day this is on, in UTC, the same in every language."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def masked(key_id: str) -> str:
    """Return enough of a key's id to tell it from the others."""
    return f"{key_id[:4]}…{key_id[-4:]}"


def program(agent: object) -> str:
    """Return what a user agent names: a browser as people call it, else the first word, which may be a client's name."""
    text = one_line(agent)
    known = next((name for word, name in BROWSERS if word in text), "")
    return known or re.sub(r"[^A-Za-z0-9._/-].*", "", text)[:40]


def _values(notice: Notice, texts: NullTranslations) -> Mapping[str, str]:
    values = {
        name: _listed(name, value, texts) if isinstance(value, list) else in_words(name, one_line(value), texts)
        for name, value in notice.detail.items()
    }
    values["from"] = values.get("from") or texts.gettext(NOBODY_KNOWN)
    return values


def _listed(name: str, value: Sequence[object], texts: NullTranslations) -> str:
    said = ", ".join(in_words(name, str(one), texts) for one in value)
    return one_line(said) if value else texts.gettext(ANYWHERE)


def _filled(template: str, values: Mapping[str, str]) -> str:
    return VALUE.sub(lambda name: values.get(name[1], "–"), template)
