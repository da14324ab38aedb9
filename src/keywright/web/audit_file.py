"""Events of the audit log as lines of a file, and what their detail says as text. Pure.

Names of keys, user agents and more in it were chosen by others, so no cell begins like a formula (case WEB-11).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from keywright.gateway.export import exact, plain

COLUMNS = (
    "seq",
    "at",
    "kind",
    "actor",
    "factor",
    "address",
    "agent",
    "request_id",
    "session",
    "account_id",
    "subject",
    "version",
    "detail",
)
YEAR_2001_MS = 1_000_000_000_000
YEAR_9999_MS = 253_402_300_800_000


def csv_head() -> str:
    """Return the first line of a CSV file."""
    return _lines([COLUMNS])


def csv_lines(events: Iterable[Mapping[str, Any]]) -> str:
    """Return one line an event: quoted where CSV needs it, and no cell a formula."""
    return _lines([_cell(name, event[name]) for name in COLUMNS] for event in events)


def moment(value: object) -> int:
    """Return a moment that can be shown; 0 for what was altered into none."""
    return value if isinstance(value, int) and 0 <= value < YEAR_9999_MS else 0


def fact(name: str, value: object) -> str:
    """Return what a detail says under a name, as one line of text; a moment as such."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and YEAR_2001_MS < value < YEAR_9999_MS and name.endswith(("_at", "until")):
        return exact(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {fact(key, part)}" for key, part in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(fact(name, part) for part in value) or "–"
    return str(value)


def _cell(name: str, value: object) -> str:
    if name == "at" and moment(value):
        return exact(moment(value))
    return json.dumps(value, default=str) if isinstance(value, Mapping) else str(value)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    written = StringIO(newline="")
    # A NUL would end the file for some readers: it is no text.
    csv.writer(written).writerows([plain(cell).replace("\0", "�") for cell in row] for row in rows)
    return written.getvalue()
