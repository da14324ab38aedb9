"""A notice as a message: plain text that reads well everywhere. Pure.

Headers are made by `email.message`, which takes no line ends; whatever came from people is one line before it gets here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from gettext import NullTranslations

from keywright.errors import Invalid
from keywright.notices.model import Said, marked
from keywright.notices.saying import one_line

LABEL = marked("%(name)s:")
FREEZE = marked("Was this not you? This link switches off every key of your account. It serves once, for seven days:")
PHRASE = marked("Your own phrase, which no forged message knows: {phrase}")
OFFICIAL = marked(
    "The only official address is {origin}. Nobody will ever write or call to ask for a secret, a passphrase or a code."
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom messages come from."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What ids of messages end in."""
        return self.address.rpartition("@")[2]


def sender_of(text: str) -> Sender:
    """Return the sender of `Name <name@example.org>` or of an address alone; raises `Invalid`."""
    name, address = parseaddr(text)
    try:
        parsed = Address(addr_spec=address)
    except (ValueError, IndexError, TypeError):
        parsed = Address()
    if not parsed.username or not parsed.domain or not address.isascii() or not text.isprintable():
        raise Invalid("mail_from is no address", hint="write it like Keywright <keys@example.org>", field="mail_from")
    return Sender(one_line(name) or "Keywright", address)


def text_of(
    said: Said, *, texts: NullTranslations, origin: str, code: str = "", freeze_url: str = "", phrase: str = ""
) -> str:
    """Return the whole text of a message."""
    named = [(texts.gettext(LABEL) % {"name": name}, value) for name, value in said.facts]
    width = max((len(label) for label, _ in named), default=0)
    facts = "\n".join(f"  {label:{width}} {value}" for label, value in named)
    parts = [
        said.title,
        said.text,
        f"    {code}" if code else "",
        facts,
        f"{texts.gettext(FREEZE)}\n\n  {freeze_url}" if freeze_url else "",
        texts.gettext(PHRASE).replace("{phrase}", one_line(phrase)) if phrase else "",
        texts.gettext(OFFICIAL).replace("{origin}", origin),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def message(
    title: str,
    text: str,
    *,
    sender: Sender,
    recipient: str,
    message_id: str,
    at: int,
    language: str = "en",
    raw: bool = False,
) -> EmailMessage:
    """Return the message. `raw`: its text stands in it as it is, for a file that people open.

    Raises `ValueError` for a recipient that is none.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(sender.name, addr_spec=sender.address)
    made["To"] = Address(addr_spec=recipient)
    made["Subject"] = f"Keywright: {one_line(title)}"
    made["Date"] = datetime.fromtimestamp(at / 1000, UTC)
    made["Message-ID"] = f"<{message_id}@{sender.domain}>"
    # RFC 3834: no holiday note answers this; Exchange wants a word of its own.
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(text, cte="8bit" if raw else "quoted-printable")
    made["Content-Language"] = language
    return made
