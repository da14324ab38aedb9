"""What templates are given that operators see: plain values, like those of `model`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule of the policy."""

    name: str
    default: str
    """What the settings say."""
    is_decided: bool
    """Whether operators decided it; else the settings' word holds."""
    least: int
    most: int
