"""Every error of Keywright, from one root. A floor: imports nothing of ours.

    KeywrightError
    ├── Refused            protocol.refusal: the gateway says no to one request, with its Reason
    ├── Invalid            what was given can't be taken: bad field, rule not met
    │   └── LimitReached   it would be one too many
    ├── NotFound           no such thing, or it is someone else's: never told apart
    ├── Conflict           the thing is not in the state this needs
    ├── NotProven          a password or second factor was missing, wrong
    │   ├── CodeReused     … or right, and used before
    │   └── Locked         the vault is closed, and nothing at hand opens it
    ├── Limited            too many attempts: not before a while has passed
    ├── Unusable           this installation can't run as it stands: files, modes, versions, ports
    │   └── Unopenable     sealed bytes don't open: wrong keyring, moved or altered
    └── Busy               not now: storage or shared state did not answer in time

An error says what is wrong in its message and what to do about it in `hint`. Neither ever carries a secret. Values are
given beside the text, `Invalid("at most {most} keys", most=5)`, so that a surface can say the same in another language.
"""

from __future__ import annotations


class KeywrightError(Exception):
    """The root. `message` is one sentence for a person, `hint` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", **values: object) -> None:
        self.texts = message, hint
        """Message and hint as they were written, with the names of `values` in braces."""
        self.values = values
        self.message = message.format_map(values) if values else message
        self.hint = hint.format_map(values) if values else hint
        super().__init__(self.message)


class Invalid(KeywrightError):
    """What was given can't be taken. `field` names which part of it, where one part is to blame."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", field: str = "", **values: object) -> None:
        super().__init__(message, hint=hint, **values)
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
    """A password or second factor was missing, wrong, or used before."""

    exit_code = 4


class CodeReused(NotProven):
    """The code was right, and served before: someone may have looked on."""


class Locked(NotProven):
    """The vault is locked: every command says so in these words, with the reason where it should have opened by itself."""

    def __init__(self, why: str = "", *, hint: str = "`keywright vault unlock` opens it for this session") -> None:
        super().__init__(f"the vault is locked: {why}" if why else "the vault is locked", hint=hint)


class Limited(KeywrightError):
    """Too many attempts. `retry_ms` is how long until the next one is looked at."""

    exit_code = 7

    def __init__(self, message: str, *, hint: str = "", retry_ms: int, **values: object) -> None:
        super().__init__(message, hint=hint, **values)
        self.retry_ms = retry_ms


class Unusable(KeywrightError):
    """This installation can't run as it stands. Nothing was changed."""


class Unopenable(Unusable):
    """Sealed bytes do not open with this keyring, in this place."""


class Busy(KeywrightError):
    """Storage or shared state did not answer in time; the same call may work later."""

    exit_code = 7
