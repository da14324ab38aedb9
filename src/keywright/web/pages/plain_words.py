"""What a key will be able to do, in words a trader uses. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from gettext import NullTranslations

from babel.numbers import format_decimal

from keywright.web.model import Said
from keywright.web.texts import SOURCE, regional

WIDE_V4, WIDE_V6 = 24, 48
"""Beyond these a block is more than one household's or one small office's network."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
INSIDE: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
"""What homes and companies number themselves with (RFC 1918, RFC 3927, RFC 4193, RFC 4291)."""

SUBNET_BITS = 64
"""What one place is given of IPv6: its addresses are counted by such networks, nobody could grasp them otherwise."""


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
    cannot = {
        ("trade", "transfer", "withdraw"): _("Can’t trade, transfer or withdraw."),
        ("transfer", "withdraw"): _("Can’t transfer or withdraw."),
        ("trade", "withdraw"): _("Can’t trade or withdraw."),
        ("trade", "transfer"): _("Can’t trade or transfer."),
        ("withdraw",): _("Can’t withdraw."),
        ("transfer",): _("Can’t transfer."),
        ("trade",): _("Can’t trade."),
    }
    missing = tuple(one for one in ("trade", "transfer", "withdraw") if one not in plan.permissions)
    if missing:
        said.append(Said("cannot", cannot[missing]))
    api = _("Works with the futures API only.") if futures else _("Works with the spot API only.")
    said.append(Said("where", api))
    if plan.addresses:
        addresses = {"addresses": ", ".join(counted(block, texts) for block in plan.addresses)}
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


def warnings_of(plan: Plan, texts: NullTranslations, *, seen_at: str = "") -> tuple[str, ...]:
    """Return what should give pause before this key is made. `seen_at` is the address its owner is seen at."""
    _ = texts.gettext
    said = []
    outward = plan.permissions & {"transfer", "withdraw"}
    if outward and not plan.addresses:
        said.append(_("A key that may transfer or withdraw needs at least one address."))
    elif "trade" in plan.permissions and not plan.addresses:
        said.append(_("Anyone who gets hold of key, secret and passphrase can trade with it from anywhere."))
    for block in plan.addresses:
        said += _about_block(block, texts, seen_at=seen_at)
    if "withdraw" in plan.permissions:
        said.append(_("Most bots need no permission to withdraw. Give it only to a program that pays out."))
    return tuple(said)


def counted(block: str, texts: NullTranslations) -> str:
    """Return an address as it is written, or a block with how much it holds; what is neither comes back as it is."""
    network = _network(block)
    if network is None or network.prefixlen == network.max_prefixlen:
        return block
    if network.version == 4:
        many = network.num_addresses
        said = texts.ngettext("%(block)s (%(num)s address)", "%(block)s (%(num)s addresses)", many)
        return said % {"block": block, "num": _number(many, texts)}
    if network.prefixlen > SUBNET_BITS:
        return texts.gettext("%(block)s (part of one network)") % {"block": block}
    many = 2 ** (SUBNET_BITS - network.prefixlen)
    said = texts.ngettext("%(block)s (%(num)s network)", "%(block)s (%(num)s networks)", many)
    return said % {"block": block, "num": _number(many, texts)}


def _number(value: int, texts: NullTranslations) -> str:
    return format_decimal(value, locale=regional(texts.info().get("language", SOURCE)))


def _about_block(block: str, texts: NullTranslations, *, seen_at: str) -> list[str]:
    _, network = texts.gettext, _network(block)
    if network is None:
        return []
    if network.prefixlen < (WIDE_V4 if network.version == 4 else WIDE_V6):
        said = _("%(block)s is wide: everybody in it may use the key. Name single addresses if you can.")
        return [said % {"block": block}]
    if _is_inside(network) and not _is_inside(_network(seen_at)):
        said = _("%(block)s is an address inside a network. We see the one that it has on the internet.")
        return [said % {"block": block}]
    return []


def _is_inside(network: Network | None) -> bool:
    return network is not None and any(
        network.network_address in one and network.prefixlen >= one.prefixlen for one in INSIDE
    )


def _network(block: str) -> Network | None:
    try:
        return ipaddress.ip_network(block)
    except ValueError:
        return None
