"""A report as plain values, for machines. Pure.

Names are stable: those of `model`. Times are ISO 8601 in UTC, to the second.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from keywright.posture.model import Line, Report, Weight

TIMES = ("made_at", "last_used_at", "checked_at", "expires_at")


def plain(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "at": iso(report.at),
        "counts": {weight.value: report.count(weight) for weight in Weight},
        "keys": [_plain(line) for line in report.lines],
    }


def iso(at: int) -> str:
    """Return a time as `2026-11-30T10:14:00Z`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(line: Line) -> dict[str, Any]:
    facts = asdict(line.subject)
    for name in TIMES:
        facts[name] = None if facts[name] is None else iso(facts[name])
    facts["exceptions"] = [{**one, "at": iso(one["at"])} for one in facts["exceptions"]]
    concerns = [
        {"code": one.code, "weight": one.weight.value, "message": one.said, "hint": one.advice} for one in line.concerns
    ]
    return {**facts, "concerns": concerns}
