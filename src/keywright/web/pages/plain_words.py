"""What a key will be able to do, in words a trader uses. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from gettext import NullTranslations

from keywright.web.model import Said


@dataclass(frozen=True, slots=True)
class Plan:
    """What a key is asked to be, unchecked."""

    permissions: frozenset[str]
    environment: str
    addresses: tuple[str, ...]


def summary_of(plan: Plan, texts: NullTranslations, *, lifetime_days: int) -> tuple[Said, ...]:
    """Return the sentences that say what the key can do, what it can't, from where, and until when."""
    _ = texts.gettext
    futures = plan.environment == "futures"
    said = [Said("can", _("Reads balances, orders and fills."))]
    if "trade" in plan.permissions:
        said.append(
            Said("can", _("Places and cancels futures orders.") if futures else _("Places and cancels spot orders."))
        )
    if "transfer" in plan.permissions:
        said.append(Said("can", _("Moves money between your own accounts.")))
    if "withdraw" in plan.permissions:
        said.append(Said("risk", _("Withdraws: money can leave your account.")))
    missing = {"trade", "transfer", "withdraw"} - plan.permissions
    if missing == {"trade", "transfer", "withdraw"}:
        said.append(Said("cannot", _("Can’t trade, transfer or withdraw.")))
    elif {"transfer", "withdraw"} <= missing:
        said.append(Said("cannot", _("Can’t transfer or withdraw.")))
    elif {"trade", "withdraw"} <= missing:
        said.append(Said("cannot", _("Can’t trade or withdraw.")))
    elif "withdraw" in missing:
        said.append(Said("cannot", _("Can’t withdraw.")))
    api = _("Works with the futures API only.") if futures else _("Works with the spot API only.")
    said.append(Said("where", api))
    if plan.addresses:
        addresses = {"addresses": ", ".join(plan.addresses)}
        said.append(Said("where", _("Works only from %(addresses)s.") % addresses))
    else:
        said.append(Said("where", _("Works from any address.")))
    outward = plan.permissions & {"transfer", "withdraw"}
    if not plan.addresses and outward:
        return tuple(said)  # it can't be made like this: the warning says why
    if not plan.addresses and "trade" in plan.permissions:
        days = {"days": lifetime_days}
        expiry = _("Expires %(days)s days after it is made, because it works from any address.") % days
    else:
        expiry = _("Does not expire.")
    said.append(Said("until", expiry))
    return tuple(said)


def warnings_of(plan: Plan, texts: NullTranslations) -> tuple[str, ...]:
    """Return what should give pause before this key is made."""
    _ = texts.gettext
    said = []
    outward = plan.permissions & {"transfer", "withdraw"}
    if outward and not plan.addresses:
        said.append(_("A key that may transfer or withdraw needs at least one address."))
    elif "trade" in plan.permissions and not plan.addresses:
        said.append(_("Anyone who gets hold of key, secret and passphrase can trade with it from anywhere."))
    if "withdraw" in plan.permissions:
        said.append(_("Most bots need no permission to withdraw. Give it only to a program that pays out."))
    return tuple(said)
