"""Mails to a server, by SMTP (RFC 5321). A password is only ever sent inside TLS, and only to a server that proves its name."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage

import aiosmtplib

from keywright.notices.courier import Undelivered
from keywright.notices.model import Channel
from keywright.secret import Secret

SECONDS = 20.0
"""For each answer of the server; a whole message takes several."""

FOR_GOOD = range(500, 600)


@dataclass(frozen=True)
class Smtp:
    """A mail server, and how it is reached."""

    host: str
    port: int
    security: str
    """`starttls`, `tls`, or `none`, which is for loopback."""
    user: str = ""
    password: Secret | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    channel = Channel.EMAIL
    raw = False

    async def send(self, message: EmailMessage, *, name: str) -> None:  # noqa: ARG002  the Message-ID says the same
        """Send a mail; raises `Undelivered`: for good where the server says so of this mail or its recipient."""
        signs_in = bool(self.user) and self.security != "none"
        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.user if signs_in else None,
                password=self.password.reveal_text() if signs_in and self.password else None,
                use_tls=self.security == "tls",
                start_tls=self.security == "starttls",  # and fail where the server can't
                tls_context=self.tls,
                timeout=SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            final = all(code in FOR_GOOD for code in codes)
            raise Undelivered(f"the server refused the recipient ({codes[0]})", is_final=final) from None
        except aiosmtplib.SMTPDataError as refused:
            raise Undelivered(
                f"the server refused the message ({refused.code})", is_final=refused.code in FOR_GOOD
            ) from None
        except aiosmtplib.SMTPAuthenticationError as refused:
            raise Undelivered(f"the server refused user or password ({refused.code})", is_carrier=True) from None
        except aiosmtplib.SMTPResponseException as refused:
            raise Undelivered(f"the server answered {refused.code}", is_carrier=True) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # Its name only: what a server says may hold anything.
            raise Undelivered(f"the server can't be reached ({type(error).__name__})", is_carrier=True) from None
