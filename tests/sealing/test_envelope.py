from __future__ import annotations

from dataclasses import replace

import pytest

from keywright.errors import Unopenable
from keywright.sealing.envelope import Place, open_sealed, seal
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.secret import Secret

PLACE = Place("api_keys", "k1", "acc_1", "spot", 1)
SECRET = Secret("f03a5284-5c39-4aaa-9b20-dea10bdcf8e3")


def test_what_was_sealed_opens_in_its_place(keyring: Keyring) -> None:
    assert open_sealed(keyring, seal(keyring, SECRET, place=PLACE), place=PLACE) == SECRET


def test_vlt_04_sealing_the_same_value_twice_gives_different_bytes(keyring: Keyring) -> None:
    assert seal(keyring, SECRET, place=PLACE) != seal(keyring, SECRET, place=PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, table="accounts"),
        replace(PLACE, row="k2"),
        replace(PLACE, account="acc_2"),
        replace(PLACE, environment="futures"),
        replace(PLACE, version=2),
        Place("api_keys", "k1a", "cc_1", "spot", 1),  # the same letters, divided otherwise
    ],
)
def test_sto_10_moved_to_another_place_it_does_not_open(keyring: Keyring, elsewhere: Place) -> None:
    sealed = seal(keyring, SECRET, place=PLACE)
    with pytest.raises(Unopenable):
        open_sealed(keyring, sealed, place=elsewhere)


def test_no_altered_byte_opens(keyring: Keyring) -> None:
    sealed = seal(keyring, SECRET, place=PLACE)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(Unopenable):
            open_sealed(keyring, bytes(altered), place=PLACE)
    for length in range(len(sealed)):
        with pytest.raises(Unopenable):
            open_sealed(keyring, sealed[:length], place=PLACE)


def test_another_databases_keyring_does_not_open_it(keyring: Keyring) -> None:
    sealed = seal(keyring, SECRET, place=PLACE)
    with pytest.raises(Unopenable):
        open_sealed(Keyring("db_other", {1: new_data_key()}), sealed, place=PLACE)


def test_the_newest_version_seals_and_every_version_opens(keyring: Keyring) -> None:
    old = seal(keyring, SECRET, place=PLACE)
    newer = keyring.with_new_version()
    new = seal(newer, SECRET, place=PLACE)
    assert open_sealed(newer, old, place=PLACE) == SECRET
    assert open_sealed(newer, new, place=PLACE) == SECRET
    with pytest.raises(Unopenable, match="version 2"):
        open_sealed(keyring, new, place=PLACE)
    assert list(keyring.keys) == [1], "a keyring is never changed, only followed by another"


def test_derived_keys_differ_by_label_and_outlive_a_new_version(keyring: Keyring) -> None:
    assert keyring.derive("audit/v1") != keyring.derive("grant/v1")
    assert keyring.with_new_version().derive("audit/v1") == keyring.derive("audit/v1")
