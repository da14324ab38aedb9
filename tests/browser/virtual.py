"""An authenticator that holds passkeys inside the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page


@dataclass
class Virtual:
    """An authenticator inside the browser, and whoever touches it."""

    cdp: CDPSession
    id: str

    @classmethod
    def at(cls, page: Page) -> Virtual:
        """Plug one in."""
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        return cls(cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])

    def person(self, *, verifies: bool) -> None:
        """Let the person give the finger, or the wrong one."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verifies})

    def credentials(self) -> list[dict[str, Any]]:
        """Return what it holds."""
        found: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found
