"""LEAK-02: nothing that holds a secret shows it."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from keywright.identity.model import Enrolled
from keywright.issuing.model import Issued, Material
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret

CANARY = "canary-7f3a9c"


def test_leak_02_a_secret_is_not_shown_by_anything_that_prints() -> None:
    secret = Secret(CANARY)
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "%s %r" % (secret, secret),
        f"{[secret]}",
        f"{ {'a': secret} }",
    ):
        assert CANARY not in shown


@pytest.mark.parametrize("spill", [json.dumps, pickle.dumps, copy.copy, copy.deepcopy, hash, vars])
def test_leak_02_a_secret_can_not_be_serialised_copied_or_hashed(spill: object) -> None:
    with pytest.raises(TypeError):
        spill(Secret(CANARY))  # type: ignore[operator]


def test_leak_02_what_holds_secrets_does_not_show_them_either() -> None:
    secret = Secret(CANARY)
    holders = [
        Material(CANARY.encode(), CANARY.encode(), CANARY.encode()),
        Issued(None, secret),  # type: ignore[arg-type]
        Enrolled(None, secret),  # type: ignore[arg-type]
        Keyring("db", {1: secret}),
    ]
    for holder in holders:
        assert CANARY not in repr(holder)


def test_leak_02_a_traceback_with_locals_does_not_show_it() -> None:
    try:
        secret = Secret(CANARY)
        raise ValueError(secret)
    except ValueError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # The source line itself names the variable, never the value.
    assert CANARY not in text.replace("CANARY", "")


def test_two_secrets_are_equal_when_their_bytes_are() -> None:
    assert Secret("a") == Secret(b"a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
