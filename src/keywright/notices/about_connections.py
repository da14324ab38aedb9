"""What notices about held keys of other exchanges say."""

from __future__ import annotations

from collections.abc import Mapping

from keywright.notices.model import Wording, marked

CONNECTIONS: Mapping[str, Wording] = {
    "connection.added": Wording(
        marked("A key of {exchange} is held for you: “{name}”"),
        marked("Requests with it leave from {address}. If that was not you, delete the key at {exchange} at once."),
        chat=True,
    ),
    "connection.key_replaced": Wording(
        marked("The connection “{name}” to {exchange} has another key"),
        marked("The key before was destroyed here. It is still there at {exchange}: delete it."),
        chat=True,
    ),
    "connection.rotation_begun": Wording(
        marked("The key of your connection “{name}” to {exchange} is being rotated"),
        marked(
            "A new key, {key}, is kept beside it. If that was not you, roll the rotation back and delete both keys there."
        ),
        chat=True,
    ),
    "connection.switched": Wording(
        marked("Your connection “{name}” to {exchange} uses its new key"),
        marked("If all goes well for a day, delete the key {before} at {exchange}, and finish the rotation here."),
    ),
    "connection.rolled_back": Wording(
        marked("Your connection “{name}” to {exchange} uses the key {key} as before"),
        marked("The other one, {dropped}, was destroyed here. It is still there at {exchange}: delete it."),
    ),
    "connection.rotated": Wording(
        marked("The rotation of your connection “{name}” to {exchange} is finished"),
        marked("The key {before} was destroyed here. Make sure that it is deleted at {exchange}, too."),
    ),
    "connection.terms_set": Wording(
        marked("How the key of your connection “{name}” to {exchange} is rotated was changed"),
        marked("If that was not you, look at the connection, and at who is signed in to your account."),
        chat=True,
    ),
    "connection.renewed": Wording(
        marked("The key of your connection “{name}” to {exchange} was rotated"),
        marked("The key {before} was deleted at {exchange}, which knows it no longer, and destroyed here."),
    ),
    "connection.rotation_undone": Wording(
        marked("The new key for your connection “{name}” was given up"),
        marked(
            "The key {key} serves as before. Look whether {exchange} lists a key with the remark {remark}: delete it."
        ),
    ),
    "connection.rotation_failed": Wording(
        marked("The key of your connection “{name}” to {exchange} could not be rotated today"),
        marked("{why}. Its bots go on with the key they have. It is tried again tomorrow."),
    ),
    "connection.claimed": Wording(
        marked("Someone else has the secret of your connection “{name}”"),
        marked(
            "Another account gave its key and secret, and was refused. If that was not you, delete the key at {exchange} at "
            "once, and make a new one."
        ),
        chat=True,
    ),
    "connection.drifted": Wording(
        marked("The key of your connection “{name}” was changed at {exchange}"),
        marked("New is: {changes}. It works on. If you did not change that, delete the key at {exchange} at once."),
        chat=True,
    ),
    "connection.suspended": Wording(
        marked("Your connection “{name}” to {exchange} is suspended"),
        marked(
            "A check found: {against}. Nothing uses the key until that is mended at {exchange} and you have it checked again."
        ),
        chat=True,
    ),
    "connection.resumed": Wording(
        marked("Your connection “{name}” to {exchange} is used again"),
        marked("A check found nothing against its key any more."),
    ),
    "connection.removed": Wording(
        marked("The connection “{name}” to {exchange} was removed"),
        marked("Its key was destroyed here. It is still there at {exchange}: delete it."),
        chat=True,
    ),
    # ── deadlines (K12) ─────────────────────────────────────────────────────────────────────────────────────────────
    "deadline.connection_expiry": Wording(
        marked("The key of your connection “{name}” ends at {exchange} on {day}"),
        marked("Days left: {days}. Bots can’t trade with it afterwards: renew it there, or replace it in time."),
    ),
    "deadline.connection_idle": Wording(
        marked("{exchange} may end the key of your connection “{name}” on {day}"),
        marked(
            "Days left: {days}. A key without a list of addresses ends after 30 days in which nothing used it: give it a list, "
            "or use it."
        ),
    ),
    "deadline.connection_overlap": Wording(
        marked("The rotation of your connection “{name}” to {exchange} can be finished"),
        marked("The new key has served for a day. Finish the rotation, so that the key before ends."),
    ),
    "deadline.connection_unchecked": Wording(
        marked("For three days {exchange} could not be asked about the key of your connection “{name}”"),
        marked(
            "Whether it may do more than it should is not known meanwhile. Have it checked, and see what stands in the way."
        ),
    ),
    "deadline.connection_age": Wording(
        marked("The key of your connection “{name}” to {exchange} is 90 days old on {day}"),
        marked("Days left: {days}. It goes on working, but keys should be replaced by then."),
    ),
}
