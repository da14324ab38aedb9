"""Every error of Keywright, from one root. A floor: imports nothing of ours.

    KeywrightError
    ├── Refused            protocol.refusal: the gateway says no to one request, with its Reason
    ├── Invalid            what was given can't be taken: bad field, rule not met
    │   └── LimitReached   it would be one too many
    ├── NotFound           no such thing, or it is someone else's: never told apart
    ├── Conflict           the thing is not in the state this needs
    ├── NotProven          a second factor was missing, wrong or already used
    ├── Unusable           this installation can't run as it stands: files, modes, versions, ports
    │   └── Unopenable     sealed bytes don't open: wrong keyring, moved or altered
    └── Busy               not now: storage or shared state did not answer in time

An error says what is wrong in its message and what to do about it in `hint`. Neither ever carries a secret.
"""

from __future__ import annotations


class KeywrightError(Exception):
    """The root. `message` is one sentence for a person, `hint` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Invalid(KeywrightError):
    """What was given can't be taken. `field` names which part of it, where one part is to blame."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class LimitReached(Invalid):
    """One more is not allowed."""

    exit_code = 6


class NotFound(KeywrightError):
    """There is no such thing here, or it belongs to another account: the two are never told apart."""

    exit_code = 5


class Conflict(KeywrightError):
    """The thing exists, and its state does not allow this."""

    exit_code = 6


class NotProven(KeywrightError):
    """The second factor was missing, wrong, or used before."""

    exit_code = 4


class Unusable(KeywrightError):
    """This installation can't run as it stands. Nothing was changed."""


class Unopenable(Unusable):
    """Sealed bytes do not open with this keyring, in this place."""


class Busy(KeywrightError):
    """Storage or shared state did not answer in time; the same call may work later."""

    exit_code = 7
