"""A report for machines: names that stay, times that programs read."""

from __future__ import annotations

import json
from dataclasses import fields, replace

from keywright.posture.model import Accepted, Subject
from keywright.posture.report import iso, plain
from keywright.posture.rules import report
from tests.posture.test_rules import GOOD, NOW

ALTERED = replace(GOOD, id="con_2", holds=False, exceptions=(Accepted("margin", "ada@example.org", NOW),))


def test_plain_values_say_everything() -> None:
    told = json.loads(json.dumps(plain(report([GOOD, ALTERED], now=NOW))))
    assert (told["at"], told["counts"]) == ("2023-11-14T22:13:20Z", {"now": 1, "soon": 0, "watch": 0})
    first, second = told["keys"]
    assert (first["id"], first["concerns"][0]["code"]) == ("con_2", "altered")
    assert first["exceptions"] == [{"what": "margin", "by": "ada@example.org", "at": "2023-11-14T22:13:20Z"}]
    assert (second["made_at"], second["expires_at"], second["concerns"]) == ("2023-11-13T22:13:20Z", None, [])


def test_every_field_of_a_key_stands_in_it_under_its_own_name() -> None:
    (told,) = plain(report([GOOD], now=NOW))["keys"]
    assert set(told) == {one.name for one in fields(Subject)} | {"concerns"}


def test_times_are_iso_8601_in_utc_to_the_second() -> None:
    assert iso(1_796_033_640_999) == "2026-11-30T10:14:00Z"
