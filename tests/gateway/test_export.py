"""Records as files: whoever opens them in a spreadsheet runs nothing."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given, strategies as st

from keywright.gateway.export import COLUMNS, FORMULA, as_dict, csv_head, csv_lines, exact, plain
from keywright.gateway.usage_model import Record
from tests.support.clock import T0

RECORD = Record(
    7, T0, "r7", "spot", "203.0.113.7", "ccxt/4.5", "GET", "/api/v1/orders/{orderId}", "allowed", 200, 1_501
)


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline="")))


@pytest.mark.parametrize("cell", ["=HYPERLINK(0)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1"])
def test_web_11_no_cell_begins_like_a_formula(cell: str) -> None:
    for hostile in (csv_lines([replace(RECORD, agent=cell)], key_name="bot"), csv_lines([RECORD], key_name=cell)):
        (row,) = _read(hostile)
        assert not [one for one in row if one[:1] in FORMULA]
        assert "\0" not in hostile
        assert [one for one in row if one.startswith("'")]


@given(st.text(max_size=40), st.text(max_size=40))
def test_web_11_whatever_stands_in_a_cell_stays_in_it(agent: str, name: str) -> None:
    (row,) = _read(csv_lines([replace(RECORD, agent=agent)], key_name=name))
    said = dict(zip(COLUMNS, row, strict=True))
    assert said["agent"] == plain(agent).replace("\0", "�")
    assert said["key"] == plain(name).replace("\0", "�")
    assert not [one for one in row if one[:1] in FORMULA]


def test_a_line_says_what_its_column_is_called() -> None:
    assert _read(csv_head()) == [list(COLUMNS)]
    (row,) = _read(csv_lines([RECORD], key_name="bot"))
    assert dict(zip(COLUMNS, row, strict=True)) == {
        "at": "2023-11-14T22:13:20.000Z",
        "key": "bot",
        "environment": "spot",
        "address": "203.0.113.7",
        "method": "GET",
        "path": "/api/v1/orders/{orderId}",
        "verdict": "allowed",
        "status": "200",
        "latency_ms": "1.501",
        "agent": "ccxt/4.5",
        "request_id": "r7",
    }


def test_json_has_every_field() -> None:
    assert Record(**as_dict(RECORD)) == RECORD  # type: ignore[arg-type]


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_is_exact_to_the_millisecond(at: int) -> None:
    from datetime import datetime

    said = datetime.fromisoformat(exact(at))
    assert round(said.timestamp() * 1000) == at
