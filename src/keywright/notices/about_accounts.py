"""What notices about accounts and withdrawals say."""

from __future__ import annotations

from collections.abc import Mapping

from keywright.notices.model import Wording, marked

ACCOUNTS: Mapping[str, Wording] = {
    # ── the account ─────────────────────────────────────────────────────────────────────────────────────────────────
    "account.created": Wording(
        marked("Your account was made"),
        marked("An account was made with this e-mail address. You will be told here of whatever changes in it."),
    ),
    "account.frozen": Wording(
        marked("Your account is frozen"),
        marked(
            "Every key of your account is refused from now on. Nothing was deleted. Lifting the freeze takes signing in "
            "with your second factor."
        ),
        chat=True,
    ),
    "account.unfrozen": Wording(
        marked("The freeze of your account was lifted"),
        marked("Keys that were active before work again. This took your second factor."),
        chat=True,
    ),
    "account.authenticator_set": Wording(
        marked("An authenticator was set up"),
        marked("From now on its codes are your second factor. One from before, if there was any, no longer works."),
        chat=True,
    ),
    "account.recovery_codes_made": Wording(
        marked("New recovery codes were made"),
        marked("All older recovery codes are worthless now."),
    ),
    "account.recovery_code_used": Wording(
        marked("A recovery code was used"),
        marked("It served in place of your authenticator. So many are left: {left}."),
        chat=True,
    ),
    "account.code_reused": Wording(
        marked("A code was given a second time"),
        marked(
            "A right code of your authenticator was given twice, and refused the second time. Unless you did it by "
            "accident, someone may have looked on."
        ),
    ),
    "account.factor_limited": Wording(
        marked("Someone who knows your password gave many wrong codes"),
        marked(
            "Further codes are not looked at for a while. If it was not you: your password is known to someone. Change "
            "it."
        ),
        chat=True,
    ),
    "account.password_changed": Wording(
        marked("Your password was changed"),
        marked("Every other session of your account was ended."),
        chat=True,
    ),
    "account.trading_password_set": Wording(
        marked("A trading password was set"),
        marked("Whoever makes or changes keys is asked for it from now on. One from before no longer serves."),
    ),
    "account.phone_set": Wording(
        marked("A phone was added to your account: {number}"),
        marked("A code that was sent there was typed in. Codes that confirm something can be sent to it."),
        chat=True,
    ),
    "account.phone_removed": Wording(
        marked("The phone of your account was removed: {number}"),
        marked("Codes that confirm something go to this e-mail address."),
    ),
    "account.codes_sent_to": Wording(
        marked("Codes that confirm something go elsewhere now"),
        marked("From now on they go to: {to}."),
        chat=True,
    ),
    "account.phrase_set": Wording(
        marked("Your own phrase was changed"),
        marked("Look for the new one in messages from now on; without one, none carries any."),
    ),
    "identity.submitted": Wording(
        marked("Your identity was submitted"),
        marked("What you said about yourself waits to be looked at."),
    ),
    "identity.approved": Wording(
        marked("Your identity was approved"),
        marked("What needs it can be done from now on."),
    ),
    "identity.refused": Wording(
        marked("Your identity was not approved"),
        marked("What needs it can’t be done. The console says why, and lets you submit it again."),
    ),
    "account.passkey_added": Wording(
        marked("A passkey was added: {name}"),
        marked("It serves as second factor from now on."),
        chat=True,
    ),
    "account.passkey_removed": Wording(
        marked("A passkey was removed: {name}"),
        marked("It is never taken again."),
        chat=True,
    ),
    "account.passkey_counter_fell": Wording(
        marked("A passkey of yours may have been copied"),
        marked("It signed rightly, but counted backwards, and was refused. Remove it unless you know why."),
        chat=True,
    ),
    "account.linked": Wording(
        marked("Your account was linked with an exchange’s login"),
        marked("Whoever signs in there as you reaches your account here."),
        chat=True,
    ),
    "operator.claimed": Wording(
        marked("Your account became an operator’s"),
        marked("It may now see and freeze every account of this service."),
        chat=True,
    ),
    "session.opened": Wording(
        marked("Someone signed in with a browser that was not known"),
        marked("E-mail address, password and second factor were all right."),
    ),
    "sub_account.created": Wording(
        marked("The sub-account “{name}” was made"),
        marked("It can have keys of its own, which reach nothing but the sub-account."),
    ),
    "sub_account.frozen": Wording(
        marked("The sub-account “{name}” is frozen"),
        marked("Every key of it is refused from now on."),
        chat=True,
    ),
    "sub_account.unfrozen": Wording(
        marked("The freeze of the sub-account “{name}” was lifted"),
        marked("Its keys that were active before work again. This took your second factor."),
        chat=True,
    ),
    # ── withdrawals ─────────────────────────────────────────────────────────────────────────────────────────────────
    "withdrawal_address.added": Wording(
        marked("A withdrawal address was added"),
        marked("{currency} may be withdrawn to {address}."),
        chat=True,
    ),
    "withdrawal_address.exempted": Wording(
        marked("Withdrawals to an address were set to take no confirmation, or to take one again"),
        marked("Up to so much a day needs none now: {daily}."),
        chat=True,
    ),
    "withdrawal_address.removed": Wording(
        marked("A withdrawal address was removed"),
        marked("It was {address} for {currency}."),
    ),
    "whitelist.switched_on": Wording(
        marked("Withdrawals go to listed addresses only"),
        marked("However they are ordered."),
    ),
    "whitelist.switched_off": Wording(
        marked("Withdrawals will no longer be held to listed addresses"),
        marked("This was asked for with your second factor, and comes into force when the waiting time is over."),
        chat=True,
    ),
    "approval.asked": Wording(
        marked("A withdrawal waits for you"),
        marked("{amount} {currency} to {address}. Look at it in the console, and confirm or refuse it there."),
        chat=True,
    ),
    "approval.confirmed": Wording(
        marked("A withdrawal was confirmed"),
        marked("{amount} {currency} to {address}. It will be carried out now."),
    ),
    "approval.refused": Wording(
        marked("A withdrawal was refused"),
        marked("{amount} {currency} to {address}. It will not be carried out."),
    ),
    "approval.expired": Wording(
        marked("A withdrawal was not confirmed in time"),
        marked("It will not be carried out."),
    ),
}
