"""What the terminal shows of a key once: lines for a shell, and client code beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.client import snippets
from keywright.client.snippets import KUCOIN

if TYPE_CHECKING:
    from keywright.app.demo import Demo
    from keywright.app.running import Running


def exports(values: Demo) -> str:
    """Return the lines that put the key into a shell's environment: the one place where they are printed."""
    return "\n".join(
        f"export {name}={value}"
        for name, value in (
            ("KUCOIN_API_KEY", values.api_key),
            ("KUCOIN_SECRET_KEY", values.api_secret.reveal_text()),
            ("KUCOIN_PASSPHRASE", values.api_passphrase.reveal_text()),
        )
    )


def clients(running: Running, *, prefix: str = KUCOIN) -> str:
    """Return code for ccxt, the official SDK and curl, with this server's addresses."""
    shown = snippets.clients(spot=running.spot_url, futures=running.futures_url, prefix=prefix)
    return "\n".join(f"── {title} ──\n{code}" for title, code in shown)


def sign_in(running: Running, values: Demo) -> str:
    """Return how to sign in to the console as the demo account."""
    return (
        f"── the console ──\n{running.console_url}\n"
        f"  e-mail    {values.email}\n"
        f"  password  {values.password.reveal_text()}\n"
        f"  code      {values.code}   now; the authenticator's secret is {values.totp_secret.reveal_text()}\n"
    )


def first_start(running: Running, values: Demo, *, prefix: str = KUCOIN) -> str:
    """Return what the first start shows: a key, shown once, and how to trade with it from a second terminal."""
    return (
        f"\nA demo account with play money and a key that may read and trade (spot). They are shown once: copy them now.\n"
        f"In a second terminal:\n\n{exports(values)}\n\n{sign_in(running, values)}\n"
        f"{clients(running, prefix=prefix)}"
    )
