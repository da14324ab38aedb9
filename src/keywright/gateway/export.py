"""Usage records as files: lines of CSV, and what a record is in JSON. Pure.

What strangers chose (a user agent) and what the owner chose (the key's name) stands in cells. A spreadsheet would carry
out a cell that begins like a formula, so such cells begin with an apostrophe (case WEB-11).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from io import StringIO

from keywright.gateway.usage_model import Record

COLUMNS = (
    "at",
    "key",
    "environment",
    "address",
    "method",
    "path",
    "verdict",
    "status",
    "latency_ms",
    "agent",
    "request_id",
)

FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula, or skip to find one; the wide ones where it folds them."""


def as_dict(record: Record) -> dict[str, object]:
    """Return a record as JSON shows it: times in milliseconds since 1970, latency in microseconds."""
    return {
        "id": record.id,
        "at": record.at,
        "request_id": record.request_id,
        "environment": record.environment,
        "address": record.address,
        "agent": record.agent,
        "method": record.method,
        "path": record.path,
        "verdict": record.verdict,
        "status": record.status,
        "latency_us": record.latency_us,
    }


def csv_head() -> str:
    """Return the first line of a CSV file."""
    return _lines([COLUMNS])


def csv_lines(records: Iterable[Record], *, key_name: str) -> str:
    """Return one line a record: quoted where CSV needs it, and no cell a formula."""
    return _lines(
        (
            exact(record.at),
            key_name,
            record.environment,
            record.address,
            record.method,
            record.path,
            record.verdict,
            str(record.status),
            f"{record.latency_us / 1000:.3f}",
            record.agent,
            record.request_id,
        )
        for record in records
    )


def plain(cell: str) -> str:
    """Return the cell as text that no spreadsheet carries out."""
    return f"'{cell}" if cell[:1] in FORMULA else cell


def exact(at: int) -> str:
    """Return a time in ISO 8601 to the millisecond, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at % 1000:03}Z"


def _lines(rows: Iterable[Iterable[str]]) -> str:
    written = StringIO(newline="")
    # A NUL would end the file for some readers: it is no text.
    csv.writer(written).writerows([plain(cell).replace("\0", "�") for cell in row] for row in rows)
    return written.getvalue()
