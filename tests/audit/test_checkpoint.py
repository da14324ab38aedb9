"""Checkpoints as text: what is signed is what is read, and nothing else is one."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from keywright.audit.checkpoint import Checkpoint, CheckpointKey, Statement, check_public_key, in_order, name_of, read
from keywright.errors import Invalid, Unusable
from keywright.secret import Secret
from tests.support.clock import T0

KEY = CheckpointKey(Secret(bytes(range(32))))
OTHER = CheckpointKey(Secret(bytes(32)))
FIRST = Statement("db_test", 1, 10, T0 + 7, "a" * 64, "b" * 64, "")


def chain(count: int) -> list[Checkpoint]:
    made = [KEY.sign(FIRST)]
    for number in range(2, count + 1):
        made.append(KEY.sign(replace(FIRST, number=number, events=number * 10, previous=made[-1].digest)))
    return made


def files(made: list[Checkpoint]) -> list[tuple[str, bytes]]:
    return [(one.name, one.text) for one in made]


def found(given: list[tuple[str, bytes]]) -> list[Checkpoint]:
    return list(in_order(given, public_key=KEY.public, database_id="db_test"))


def test_what_is_signed_is_what_is_read() -> None:
    one = KEY.sign(FIRST)
    assert read(one.text, name=one.name, public_key=KEY.public) == one
    assert one.text.decode("ascii").startswith("# Keywright audit checkpoint")
    assert one.digest == hashlib.sha256(one.text).hexdigest()


def test_its_text_stays_what_it_is() -> None:
    """Checkpoints of today must be read in ten years: the bytes are pinned."""
    expected = "31f27e109c43e1c43224b255cb7690ac47e49c98d68be721fbe891b3a4d8d9fb"
    assert KEY.sign(FIRST).digest == expected


def test_no_byte_of_it_can_be_another() -> None:
    text = KEY.sign(FIRST).text
    for place in range(len(text)):
        altered = text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
        with pytest.raises(Unusable, match=r"x\.txt"):
            read(altered, name="x.txt", public_key=KEY.public)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff" * 100,
        KEY.sign(FIRST).text[:-1],
        KEY.sign(FIRST).text + b"\n",
        KEY.sign(FIRST).text * 2,
        b"\0" * 4096,
    ],
    ids=["empty", "no text", "cut off", "one line more", "twice", "zeros"],
)
def test_what_is_not_exactly_one_is_none(text: bytes) -> None:
    with pytest.raises(Unusable, match="no checkpoint"):
        read(text, name="x.txt", public_key=KEY.public)


def test_a_later_version_is_said_to_be_one() -> None:
    later = KEY.sign(FIRST).text.replace(b"version: 1", b"version: 2")
    with pytest.raises(Unusable, match="version 2"):
        read(later, name="x.txt", public_key=KEY.public)


def test_one_signed_with_another_key_is_not_ours_and_naming_ours_does_not_help() -> None:
    theirs = OTHER.sign(FIRST).text
    with pytest.raises(Unusable, match="another key"):
        read(theirs, name="x.txt", public_key=KEY.public)
    with pytest.raises(Unusable, match="signature"):
        read(theirs.replace(OTHER.public.encode(), KEY.public.encode()), name="x.txt", public_key=KEY.public)


def test_checkpoints_follow_from_each_other() -> None:
    made = chain(4)
    assert found(files(made)) == made


def test_a_missing_one_is_named() -> None:
    made = chain(4)
    for gone in range(3):
        with pytest.raises(Unusable, match=f"checkpoint {gone + 1} is missing"):
            found(files(made[:gone] + made[gone + 1 :]))


def test_an_exchanged_and_a_renamed_one_are_named() -> None:
    made = chain(3)
    another = KEY.sign(replace(made[1].statement, link="c" * 64))
    with pytest.raises(Unusable, match="checkpoint 3 does not follow"):
        found(files([made[0], another, made[2]]))
    with pytest.raises(Unusable, match="renamed"):
        found([(made[0].name, made[0].text), (made[1].name, made[2].text)])


def test_one_of_another_database_and_one_of_fewer_events_are_refused() -> None:
    with pytest.raises(Unusable, match="another database"):
        found(files([KEY.sign(replace(FIRST, database_id="db_other"))]))
    fewer = KEY.sign(replace(FIRST, number=2, events=10, previous=chain(1)[0].digest))
    with pytest.raises(Unusable, match="fewer events"):
        found([*files(chain(1)), (name_of(2), fewer.text)])


@pytest.mark.parametrize("text", ["", "ed25519:", "ed25519:AAAA", "rsa:" + "A" * 43 + "=", KEY.public[8:], "ed25519:é"])
def test_what_is_no_public_key_is_said_to_be_none(text: str) -> None:
    assert check_public_key(f" {KEY.public}\n") == KEY.public
    with pytest.raises(Invalid, match="no public key"):
        check_public_key(text)
