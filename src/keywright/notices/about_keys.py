"""What notices about API keys say, and what the gateway noticed about their use."""

from __future__ import annotations

from collections.abc import Mapping

from keywright.notices.model import Wording, marked

KEYS: Mapping[str, Wording] = {
    # ── API keys ────────────────────────────────────────────────────────────────────────────────────────────────────
    "key.issued": Wording(
        marked("The API key “{name}” was made"),
        marked("It may: {permissions}. It works for {environment}, from: {addresses}."),
        chat=True,
    ),
    "key.never_shown": Wording(
        marked("The new API key “{name}” was removed"),
        marked("Nobody said within ten minutes that its secret had arrived. It can’t be used; make another one."),
    ),
    "key.discarded": Wording(
        marked("The new API key “{name}” was removed"),
        marked("Its secret had not arrived. It could never be used."),
    ),
    "key.addresses_changed": Wording(
        marked("The addresses of the API key “{name}” were changed"),
        marked("It now works from: {addresses}."),
        chat=True,
    ),
    "key.passphrase_changed": Wording(
        marked("The API key “{name}” has a new passphrase"),
        marked("The old one is refused from now on."),
    ),
    "key.rotated": Wording(
        marked("The API key “{name}” was given a successor"),
        marked(
            "The new one has a secret and a passphrase of its own. For a while both work; then the old one is switched off."
        ),
        chat=True,
    ),
    "key.kept": Wording(
        marked("The API key “{name}” is not replaced"),
        marked("Its successor was removed. It is on or off as it was."),
    ),
    "key.disabled": Wording(
        marked("The API key “{name}” was switched off"),
        marked("Every request with it is refused from now on."),
    ),
    "key.enabled": Wording(
        marked("The API key “{name}” was switched on again"),
        marked("Requests with it are accepted. This took your second factor."),
    ),
    "key.deleted": Wording(
        marked("The API key “{name}” was deleted"),
        marked("Its secret is destroyed; it can’t be brought back."),
    ),
    "key.expired": Wording(
        marked("The API key “{name}” has expired"),
        marked("Every request with it is refused from now on. Make a new key, or rotate keys before their time is up."),
    ),
    "key.passphrase_guessed": Wording(
        marked("Someone who holds the secret of the API key “{name}” tries passphrases"),
        marked("The key waits for a while. If it is not your own client: switch the key off and make a new one."),
        chat=True,
    ),
    # ── what the gateway noticed (K13) ──────────────────────────────────────────────────────────────────────────────
    "watch.new_address": Wording(
        marked("The API key “{name}” was used from a new address"),
        marked("It was used from {from}, which was not seen for 30 days. The request was accepted."),
        chat=True,
    ),
    "watch.refused": Wording(
        marked("Many requests with the API key “{name}” were refused"),
        marked("At least {count} within a minute. The last reason was: {reason}. Its usage page shows them all."),
    ),
    "watch.unsigned": Wording(
        marked("Someone without its secret tries the API key “{name}”"),
        marked(
            "At least {count} requests within a minute named this key, and their signatures were wrong. They were refused. "
            "If it is not your own client with an old secret, nothing is lost, but someone knows the key’s id."
        ),
    ),
    "watch.off": Wording(
        marked("Something still uses the API key “{name}”, which is off"),
        marked(
            "At least {count} requests within a minute were refused: {reason}. If it is a program of yours, stop it."
        ),
    ),
    "watch.dormant": Wording(
        marked("The API key “{name}” was used after a long rest"),
        marked("It was not used for {days} days, and is now used from {from}."),
        chat=True,
    ),
    "watch.two_places": Wording(
        marked("The API key “{name}” was used by two at once"),
        marked("Within ten minutes it was used from two addresses or by two programs: {places}."),
        chat=True,
    ),
    # ── deadlines (K12) ─────────────────────────────────────────────────────────────────────────────────────────────
    "deadline.expiry": Wording(
        marked("The API key “{name}” expires on {day}"),
        marked("Days left: {days}. Every request with it is refused afterwards: rotate it in time."),
    ),
    "deadline.age": Wording(
        marked("The API key “{name}” is 90 days old on {day}"),
        marked("Days left: {days}. It goes on working, but keys should be replaced by then: rotate it."),
    ),
    "deadline.overlap": Wording(
        marked("The API key “{name}” gives way to its successor on {day}"),
        marked(
            "Days left: {days}. Every request with the old one is refused afterwards: see that nothing uses it any more."
        ),
    ),
}
