"""What changed between two answers of an exchange about one key. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.vault.evidence import Probe, Right


@dataclass(frozen=True, slots=True)
class Drift:
    """What is other than it was when the key was looked at last."""

    gained: tuple[str, ...] = ()
    """Rights it did not have, in the exchange's own words."""
    lost: tuple[str, ...] = ()
    """Rights it no longer has."""
    lost_filter: bool = False
    """It was bound to addresses, and is no longer, or nobody can tell any more."""
    addresses: tuple[str, ...] = ()
    """The addresses it is bound to now, where they are others than before."""
    ends_at: int | None = None
    """When it ends now, where it ended later before, or not at all."""

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.lost_filter or self.addresses or self.ends_at is not None)

    @property
    def is_worse(self) -> bool:
        """Tell whether the key may do more than before, or from elsewhere."""
        return bool(self.gained or self.lost_filter or self.addresses)


def between(before: Probe, after: Probe) -> Drift:
    """Return what changed from one answer to the next."""
    had, has = _rights(before), _rights(after)
    was_bound, is_bound = before.of(Right.ADDRESS_FILTER).allowed, after.of(Right.ADDRESS_FILTER).allowed
    ends_earlier = after.expires_at is not None and (before.expires_at is None or after.expires_at < before.expires_at)
    return Drift(
        gained=tuple(sorted(has - had)),
        lost=tuple(sorted(had - has)),
        lost_filter=was_bound is True and is_bound is not True,
        addresses=after.addresses if set(after.addresses) != set(before.addresses) else (),
        ends_at=after.expires_at if ends_earlier else None,
    )


def _rights(probe: Probe) -> set[str]:
    return {
        one.said or one.right.value
        for one in probe.evidence
        if one.allowed is True and one.right is not Right.ADDRESS_FILTER
    }
