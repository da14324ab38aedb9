"""Text messages to one number, through Apprise and whatever gateway the operator's URLs name. An extra: `chat`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from keywright.notices.courier import Undelivered
from keywright.secret import Secret

SECONDS = 30.0

NUMBER = "{number}"
"""What stands in a URL where the number goes."""

EXAMPLE = "+4915112345678"


@dataclass(frozen=True)
class AppriseSms:
    """The gateways: the first that takes a message, carries it."""

    urls: Sequence[Secret] = field(repr=False)

    async def send(self, number: str, text: str) -> None:
        """Send a text to a number (E.164); raises `Undelivered` when no gateway took it, or not in time."""
        try:
            async with asyncio.timeout(SECONDS):
                taken = await asyncio.to_thread(self._notify, number, text)
        except TimeoutError:
            raise Undelivered("the gateway for text messages did not answer in time", is_carrier=True) from None
        if not taken:
            raise Undelivered("no gateway for text messages took it", is_carrier=True)

    def _notify(self, number: str, text: str) -> bool:
        import apprise  # noqa: PLC0415  an extra, and slow to load

        logging.getLogger("apprise").disabled = True  # what it logs may hold its URLs, and these hold tokens
        for url in self.urls:
            gateway = apprise.Apprise()
            if gateway.add(filled(url, number).reveal_text()) and gateway.notify(
                body=text, body_format=apprise.NotifyFormat.TEXT
            ):
                return True
        return False


def filled(url: Secret, number: str) -> Secret:
    """Return the URL of a gateway for one number."""
    return Secret(url.reveal_text().replace(NUMBER, quote(number, safe="")))
