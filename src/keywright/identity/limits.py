"""How often someone may try: so many attempts in so long, counted exactly. Pure: the times of earlier ones are handed in.

A second factor has three valid codes among a million (docs/decisions/0006), and `FACTOR` lets at most 25 wrong ones
pass in 30 days. A year is covered by 13 such stretches: at most 325 a year, so that who has the password and guesses for
a whole year succeeds with a probability of at most 325 × 3 / 10^6 < 10^-3 (case 2FA-07). A known browser and strangers are counted apart, so that a
stranger who uses up the attempts locks nobody else out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MINUTE_MS = 60 * 1000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` attempts in any stretch of `period_ms`."""

    most: int
    period_ms: int


FACTOR = (Window(5, 5 * MINUTE_MS), Window(10, HOUR_MS), Window(20, DAY_MS), Window(25, 30 * DAY_MS))
"""Wrong codes of one account, from one known browser or from all strangers together."""

RECOVERY = (Window(5, 5 * MINUTE_MS), Window(20, HOUR_MS), Window(50, DAY_MS))
"""Wrong recovery codes of one account, from one known browser or one network address. They have 80 random bits, so guessing
is hopeless; this spares the database."""

PASSKEY = RECOVERY
"""Answers of passkeys that were refused, counted as recovery codes are: a signature can't be guessed either."""

PASSWORD = (Window(10, 5 * MINUTE_MS), Window(30, HOUR_MS), Window(100, DAY_MS))
"""Wrong passwords for one e-mail address, from one known browser or one network address."""

PASSWORD_STRANGERS = (Window(100, HOUR_MS), Window(300, DAY_MS))
"""Wrong passwords for one e-mail address, from all browsers that are not known."""

ADDRESS = (Window(30, 5 * MINUTE_MS), Window(150, HOUR_MS), Window(600, DAY_MS))
"""Wrong passwords from one network address, whatever the account."""

SWITCH_OFF = (Window(10, 5 * MINUTE_MS), Window(30, HOUR_MS), Window(60, DAY_MS))
"""Attempts at switching everything off from one network address. Counted by that alone: an account's own limit here would
let strangers keep its owner from it."""

PASSPHRASE = (Window(10, 5 * MINUTE_MS), Window(30, HOUR_MS), Window(100, DAY_MS))
"""Passphrases given in a session that turned out to be the account's password, or not to be the key's present one."""

EVERYONE = (Window(600, 5 * MINUTE_MS),)
"""Wrong passwords from all unknown browsers: a flood is slowed, and known browsers don't notice."""

SIGN_UP = (Window(20, HOUR_MS), Window(60, DAY_MS))
"""New accounts from one network address."""

CLAIM = (Window(10, HOUR_MS),)
"""Wrong operator codes from one network address."""

TRADING = FACTOR
"""Wrong trading passwords of one account, given by who has proved its second factor a moment ago. Six digits at the least
that are not easily guessed, some 880,000 of them: 325 guesses in a year are right with a probability below 10^-3."""

TRADING_EVERYONE = (Window(300, 5 * MINUTE_MS),)
"""Wrong trading passwords of all accounts together: who has many of them guesses no faster."""

CODES = FACTOR
"""Wrong codes of one account and purpose that were sent to its owner. One in a million is valid at a time: 325 guesses in a
year are right with a probability below 10^-3."""

CODES_SENT = (Window(5, 15 * MINUTE_MS), Window(10, HOUR_MS), Window(30, DAY_MS))
"""Codes of one purpose that are sent to one account."""

SMS = (Window(5, 15 * MINUTE_MS), Window(10, HOUR_MS), Window(20, DAY_MS))
"""Text messages with codes, whatever for: of one account, and to one number."""

SMS_EVERYONE = (Window(300, HOUR_MS), Window(2_000, DAY_MS))
"""Text messages with codes of all accounts together: each costs the operator money, and whoever has many accounts and a
number that earns by them must not cost more than a bad day."""

PASSWORD_AGAIN = PASSPHRASE
"""Wrong passwords of the account in a session of its own, where a change asks for it once more."""

IDENTITY = (Window(5, HOUR_MS), Window(20, DAY_MS))
"""Forms of one account that say who its owner is: a person has to read each."""

SAID = (Window(1, HOUR_MS),)
"""How often the audit log is told that an account's codes are limited."""

LONGEST_MS = 30 * DAY_MS
"""After that long an attempt counts nowhere and is forgotten."""


def wait_ms(earlier: Sequence[int], windows: Sequence[Window], *, now: int) -> int:
    """Return how long until one more attempt is allowed after those at the times `earlier`; 0 when it is now."""
    waits = [0]
    times = sorted(earlier)
    for window in windows:
        within = [at for at in times if at > now - window.period_ms]
        if len(within) >= window.most:
            # Free again once only most - 1 of them are left inside the window.
            waits.append(within[len(within) - window.most] + window.period_ms - now)
    return max(waits)


HELD_KEYS = (Window(10, 10 * MINUTE_MS), Window(30, HOUR_MS), Window(60, DAY_MS))
"""Keys of exchanges that one account has looked at, taken or not: nobody is to try stolen ones out here. As often it has an
address kept for one: each time an exchange may be asked, and an event is kept."""
