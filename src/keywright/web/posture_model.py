"""What templates are given of a posture report: its lines, with where each thing is mended."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.posture.model import Concern, Subject, Weight


@dataclass(frozen=True, slots=True)
class Mending:
    """One thing to mend, and where."""

    concern: Concern
    href: str = ""
    """Empty where no page of the reader's mends it."""
    label: str = ""
    """What the link says: marked, not yet translated."""


@dataclass(frozen=True, slots=True)
class LineView:
    """A key with what is to be mended of it, the gravest first."""

    subject: Subject
    mendings: tuple[Mending, ...] = ()
    href: str = ""
    """The key's own page."""


@dataclass(frozen=True, slots=True)
class GroupView:
    """The keys whose gravest concern has one weight."""

    weight: Weight | None
    """`None`: nothing is to be mended."""
    lines: tuple[LineView, ...]
    """What to mend first on top."""
