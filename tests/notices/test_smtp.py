"""Against a real server: aiosmtpd, with TLS under a certificate made here, and with AUTH."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keywright.notices import smtp as smtp_module
from keywright.notices.courier import Undelivered
from keywright.notices.mail import Sender, message
from keywright.notices.smtp import Smtp
from keywright.secret import Secret
from tests.support.clock import T0

USER, PASSWORD = "keywright", "letter-by-letter-31"


@dataclass
class Mailbox:
    """What a server took, and what it says."""

    said: str = "250 Message accepted for delivery"
    of_recipient: str = "250 OK"
    envelopes: list[Any] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.of_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return self.said

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.password)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a key and its certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


Start = Callable[..., Any]


@pytest.fixture
async def start(certificate: Path) -> AsyncIterator[Start]:
    """Give a way to start a server at a free port: with STARTTLS, TLS or neither."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    servers, conversations = [], list[SMTP]()

    async def begin(mailbox: Mailbox, security: str, *, offers_tls: bool = True) -> int:
        def protocol() -> SMTP:
            conversation = SMTP(
                mailbox,
                tls_context=context if security == "starttls" and offers_tls else None,
                authenticator=mailbox.authenticate,
                auth_require_tls=security == "starttls",
                loop=asyncio.get_running_loop(),
            )
            conversations.append(conversation)
            return conversation

        tls = context if security == "tls" else None
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield begin
    for server in servers:
        server.close()
    for conversation in conversations:
        if conversation.transport is not None:
            conversation.transport.close()
    await asyncio.sleep(0.01)


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """Give a client's TLS that knows the certificate."""
    return ssl.create_default_context(cafile=certificate)


def mail(recipient: str = "ada@example.org", title: str = "The API key “bot” was made") -> EmailMessage:
    sender = Sender("Keywright", "keys@example.org")
    return message(title, "Grüße\n", sender=sender, recipient=recipient, message_id="ntc_1.7", at=T0)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_mail_arrives_by_tls_and_after_signing_in(
    start: Start, trusting: ssl.SSLContext, security: str
) -> None:
    mailbox = Mailbox()
    port = await start(mailbox, security)
    await Smtp("127.0.0.1", port, security, USER, Secret(PASSWORD), trusting).send(mail(), name="x")
    (envelope,) = mailbox.envelopes
    arrived = message_from_bytes(envelope.content, policy=policy.default)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("keys@example.org", ["ada@example.org"])
    assert arrived["Subject"] == "Keywright: The API key “bot” was made"
    assert arrived["Message-ID"] == "<ntc_1.7@example.org>"
    assert arrived.get_content().split() == ["Grüße"]
    assert mailbox.logins == [PASSWORD.encode()]


async def test_on_loopback_it_may_go_in_the_clear_but_never_a_password(start: Start) -> None:
    mailbox = Mailbox()
    port = await start(mailbox, "none")
    await Smtp("127.0.0.1", port, "none", USER, Secret(PASSWORD)).send(mail(), name="x")
    assert len(mailbox.envelopes) == 1
    assert not mailbox.logins


async def test_a_server_that_offers_no_tls_is_told_nothing(start: Start, trusting: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    port = await start(mailbox, "starttls", offers_tls=False)
    with pytest.raises(Undelivered) as problem:
        await Smtp("127.0.0.1", port, "starttls", USER, Secret(PASSWORD), trusting).send(mail(), name="x")
    assert problem.value.is_carrier
    assert not mailbox.envelopes + mailbox.logins


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_cannot_prove_its_name_is_told_nothing(start: Start, security: str) -> None:
    mailbox = Mailbox()
    port = await start(mailbox, security)
    with pytest.raises(Undelivered) as problem:
        await Smtp("127.0.0.1", port, security, USER, Secret(PASSWORD)).send(mail(), name="x")
    assert problem.value.is_carrier
    assert not mailbox.envelopes + mailbox.logins


async def test_a_wrong_password_is_the_operators_to_mend_and_is_tried_again(
    start: Start, trusting: ssl.SSLContext
) -> None:
    port = await start(Mailbox(), "starttls")
    with pytest.raises(Undelivered) as problem:
        await Smtp("127.0.0.1", port, "starttls", USER, Secret("wrong"), trusting).send(mail(), name="x")
    assert (problem.value.is_final, problem.value.is_carrier) == (False, True)
    assert "wrong" not in problem.value.reason


@pytest.mark.parametrize(
    ("mailbox", "is_final"),
    [
        (Mailbox(said="451 try later"), False),
        (Mailbox(said="554 we don't like it"), True),
        (Mailbox(of_recipient="450 mailbox busy"), False),
        (Mailbox(of_recipient="550 no such user"), True),
    ],
)
async def test_what_a_server_refuses_for_good_is_told_from_what_it_refuses_now(
    start: Start, mailbox: Mailbox, is_final: bool
) -> None:
    port = await start(mailbox, "none")
    with pytest.raises(Undelivered) as problem:
        await Smtp("127.0.0.1", port, "none").send(mail(), name="x")
    assert (problem.value.is_final, problem.value.is_carrier) == (is_final, False)


async def test_a_server_that_is_not_there_is_out_of_reach(unused_port: int) -> None:
    with pytest.raises(Undelivered) as problem:
        await Smtp("127.0.0.1", unused_port, "none").send(mail(), name="x")
    assert problem.value.is_carrier


async def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_module, "SECONDS", 0.2)

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Undelivered) as problem:
        await Smtp("127.0.0.1", silent.getsockname()[1], "none").send(mail(), name="x")
    assert problem.value.is_carrier


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Give a port where nobody listens, nor will: it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])
