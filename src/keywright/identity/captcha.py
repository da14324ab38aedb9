"""A captcha that asks a machine for work and a person for nothing: altcha's proof of work, each solution good once.

The challenge is signed, so nothing is kept until it comes back solved; then its nonce is, until it would have expired, so
that it does not come back a second time. It is bound to the session or visitor it was made for.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from typing import Any

from altcha.v2 import create_challenge, verify_solution

from keywright.errors import Invalid
from keywright.identity import limits
from keywright.identity.store import challenges
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx

LABEL, KEY_LABEL = "captcha/v1", "captcha-answers/v1"
"""The labels under which the keyring derives what challenges and their answers are signed with."""

ALGORITHM, COST = "PBKDF2/SHA-256", 5_000
"""Web Crypto has it everywhere, and a try takes two thousandths of a second, on a slow telephone ten."""

LEAST_TRIES, MOST_TRIES = 60, 180
"""How many tries the answer is away. A telephone with four cores is done within half a second, with one within two."""

LASTS_MS = 30 * limits.MINUTE_MS
"""As long as a session that nothing is done in: a page that is left open so long is signed out before."""

MOST_TYPED = 4_096


class Captcha:
    """Challenges and their answers."""

    def __init__(self, *, keyring: Keyring) -> None:
        self._key = keyring.derive(LABEL).reveal()
        self._answers = keyring.derive(KEY_LABEL).reveal()

    def challenge(self, bound_to: str, *, now: int) -> dict[str, Any]:
        """Return a challenge as the widget takes it, for this session or visitor alone."""
        made = create_challenge(
            ALGORITHM,
            COST,
            counter=LEAST_TRIES + secrets.randbelow(MOST_TRIES - LEAST_TRIES),
            # Its own field for the end of its time would be compared with the wall clock.
            data={"for": self._bound(bound_to), "until": now + LASTS_MS},
            hmac_secret=self._key,
            hmac_key_secret=self._answers,
        )
        challenge: dict[str, Any] = made.to_dict()
        return challenge

    async def spend(self, tx: Tx, answer: str, *, bound_to: str, now: int) -> None:
        """Use a solution up. Raises `Invalid` when there is none, or it is forged, late, another's or was used before."""
        if not answer:
            raise _refused("solve the captcha first", hint="wait a moment: it solves itself where JavaScript runs")
        parameters = self._verified(answer)
        data = parameters.get("data") or {}
        if not hmac.compare_digest(str(data.get("for")), self._bound(bound_to)):
            raise _refused("that captcha was made for another session")
        until = int(data.get("until") or 0)
        if now >= until:
            raise _refused("that captcha is too old")
        # The nonce is under the signature, so one solution has one name however it is written.
        if not await challenges.spend(tx, f"cap_{parameters['nonce']}", purpose="captcha", expires_at=until, now=now):
            raise _refused("that captcha was used before")

    def _verified(self, answer: str) -> dict[str, Any]:
        """Return the parameters of the challenge that this solves; they are ours, because our signature holds."""
        if len(answer) > MOST_TYPED:
            raise _refused("that captcha can't be read")
        result = verify_solution(answer, self._key, hmac_key_secret=self._answers)
        if not result.verified:
            raise _refused("that captcha is not solved")
        parameters: dict[str, Any] = json.loads(base64.b64decode(answer))["challenge"]["parameters"]
        return parameters

    def _bound(self, bound_to: str) -> str:
        return hmac.new(self._key, b"bound\0" + bound_to.encode(), "sha256").hexdigest()


def _refused(message: str, *, hint: str = "a new one is solved now: send the form again") -> Invalid:
    return Invalid(message, hint=hint, field="captcha")
