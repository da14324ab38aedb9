"""Short texts to the operator's chat or phone, through Apprise and whatever service its URLs name. An extra: `chat`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from keywright.notices.courier import Undelivered
from keywright.secret import Secret

SECONDS = 30.0


@dataclass(frozen=True)
class AppriseChat:
    """Where short texts go."""

    urls: Sequence[Secret] = field(repr=False)

    async def send(self, title: str, text: str) -> None:
        """Send a text to every URL; raises `Undelivered` when one of them did not take it, or not in time."""
        try:
            async with asyncio.timeout(SECONDS):
                taken = await asyncio.to_thread(self._notify, title, text)
        except TimeoutError:
            raise Undelivered("the chat service did not answer in time", is_carrier=True) from None
        if not taken:
            raise Undelivered("the chat service did not take it", is_carrier=True)

    def _notify(self, title: str, text: str) -> bool:
        import apprise  # noqa: PLC0415  an extra, and slow to load

        logging.getLogger("apprise").disabled = True  # what it logs may hold its URLs, and these hold tokens
        services = apprise.Apprise()
        # Plain text: what stands in it must not become mark-up, or a mention of everybody.
        return all(services.add(url.reveal_text()) for url in self.urls) and bool(
            services.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT)
        )
