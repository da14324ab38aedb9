"""Wires the courier: which carriers the settings ask for, and what a person at the terminal is told of them."""

from __future__ import annotations

import os
import shlex
import stat
from gettext import NullTranslations
from pathlib import Path

from keywright.app.folders import folders_of
from keywright.app.services import Services
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Invalid, Unusable
from keywright.identity.phone_numbers import e164
from keywright.ids import new_id
from keywright.notices import mail
from keywright.notices.chat import AppriseChat
from keywright.notices.courier import Courier
from keywright.notices.mail import Sender, sender_of
from keywright.notices.model import Notice
from keywright.notices.outbox import Outbox
from keywright.notices.saying import say
from keywright.notices.sms import EXAMPLE, NUMBER, AppriseSms, filled
from keywright.notices.smtp import Smtp
from keywright.secret import Secret
from keywright.setting_values import is_loopback
from keywright.settings import Settings
from keywright.web.texts import Texts

ROUND_SECONDS = 2.0
"""How often the courier looks. What must be heard within a minute has the rest of it for the mail server."""

NOBODY = Sender("Keywright", "keywright@localhost")
"""Whom files in the outbox come from where no sender was set."""

MOST_BYTES = 64 * 1024


def courier_of(services: Services, settings: Settings, *, origin: str, texts: Texts) -> Courier:
    """Return the courier of an installation.

    Raises `Invalid` and `Unusable` when the settings don't fit together or a file of theirs can't be used.
    """
    sender, post = _post(settings)
    return Courier(
        database=services.database,
        keyring=services.keyring,
        notices=services.notices,
        texts=texts.of,
        origin=origin,
        sender=sender,
        post=post,
        chat=_chat(settings),
        clock=services.clock,
        sms=_sms(settings),
    )


def check(settings: Settings) -> None:
    """Do nothing if a courier can be made from these settings; raises `Invalid` or `Unusable` otherwise."""
    _post(settings)
    _chat(settings)
    _sms(settings)


async def send_test(settings: Settings, *, recipient: str, phone: str = "", clock: Clock = wall_clock_ms) -> None:
    """Send a test message to an address, to the chats if there are any, and to a phone if one is named, past the outbox.

    Raises `Undelivered`, and `Invalid` for a phone where no gateway for text messages is set up.
    """
    sender, post = _post(settings)
    chat, sms = _chat(settings), _sms(settings)
    number = ""
    if phone:
        if sms is None:
            raise Invalid("no text message goes out: sms_urls_file is not set", field="sms_urls_file")
        number = e164(phone)
    now, texts = clock(), NullTranslations()
    said = say(Notice(new_id("ntc"), "", "notices.test", "", {}, now), texts)
    text = mail.text_of(said, texts=texts, origin=settings.public_url or "http://localhost")
    name = f"test-{now}"
    await post.send(
        mail.message(said.title, text, sender=sender, recipient=recipient, message_id=name, at=now, raw=post.raw),
        name=name,
    )
    if chat is not None:
        await chat.send(said.title, said.text)
    if sms is not None and number:
        await sms.send(number, f"Keywright: {said.title}. {said.text}")


def way_of(settings: Settings) -> str:
    """Return in a line how notices go out."""
    if settings.smtp_host:
        return f"by mail through {settings.smtp_host}"
    return f"as files into {folders_of(settings).outbox} (no smtp_host is set)"


def _post(settings: Settings) -> tuple[Sender, Smtp | Outbox]:
    sender = sender_of(settings.mail_from) if settings.mail_from else NOBODY
    if not settings.smtp_host:
        for name in ("smtp_user", "smtp_password_file"):
            if getattr(settings, name):
                raise Invalid(f"{name} needs smtp_host", field=name)
        return sender, Outbox(folders_of(settings).outbox)
    if not settings.mail_from:
        raise Invalid("smtp_host needs mail_from", hint="whom shall notices come from?", field="mail_from")
    if bool(settings.smtp_user) != bool(settings.smtp_password_file):
        raise Invalid("smtp_user and smtp_password_file need each other", field="smtp_user")
    if settings.smtp_security == "none" and not is_loopback(settings.smtp_host):
        raise Unusable(
            f"mail to {settings.smtp_host} would go over the network in the clear",
            hint="set smtp_security to starttls or tls",
        )
    if settings.smtp_security == "none" and settings.smtp_user:
        raise Unusable("a password is never sent in the clear", hint="set smtp_security to starttls or tls")
    password = None
    if settings.smtp_password_file:
        password = Secret(_private(settings.smtp_password_file).reveal().rstrip(b"\r\n"))
    return sender, Smtp(settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.smtp_user, password)


def _chat(settings: Settings) -> AppriseChat | None:
    if not settings.chat_urls_file:
        return None
    urls = _apprise_urls(settings.chat_urls_file, "chat_urls_file")
    if not urls or not all(map(_is_one, urls)):  # which one is not told: it may hold a token
        raise Unusable(f"{settings.chat_urls_file} holds a line that is no Apprise URL, or none at all")
    return AppriseChat(urls)


def _sms(settings: Settings) -> AppriseSms | None:
    if not settings.sms_urls_file:
        return None
    urls = _apprise_urls(settings.sms_urls_file, "sms_urls_file")
    if not urls or not all(NUMBER in url.reveal_text() and _is_one(filled(url, EXAMPLE)) for url in urls):
        raise Unusable(
            f"{settings.sms_urls_file} holds a line that is no Apprise URL with {NUMBER} in it, or none at all",
            hint="for instance twilio://SID:TOKEN@+14155552671/{number}",
        )
    return AppriseSms(urls)


def _apprise_urls(name: str, setting: str) -> list[Secret]:
    """Return the URLs in a file, one a line; raises `Unusable` where the extra is missing or the file can't be used."""
    try:
        import apprise  # noqa: F401, PLC0415  an extra, and slow to load
        import phonenumbers  # noqa: F401, PLC0415  the same
    except ModuleNotFoundError:
        raise Unusable(f"{setting} needs Apprise", hint="pip install 'keywright[chat]'") from None
    try:
        lines = _private(name).reveal_text().splitlines()
    except UnicodeDecodeError:
        lines = []
    return [Secret(line.strip()) for line in lines if line.strip() and not line.startswith("#")]


def _is_one(url: Secret) -> bool:
    import apprise  # noqa: PLC0415  as above

    return apprise.Apprise.instantiate(url.reveal_text()) is not None


def _private(name: str) -> Secret:
    """Return what a file holds that is its owner's alone; raises `Unusable` for one that is not, or can't be read."""
    path = Path(name).expanduser().absolute()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid not in {0, os.geteuid()}:
            raise Unusable(f"{path} is not a plain file of this user")
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise Unusable(f"others can read {path} (mode {mode:04o})", hint=f"chmod 600 {shlex.quote(str(path))}")
        return Secret(file.read(MOST_BYTES))
