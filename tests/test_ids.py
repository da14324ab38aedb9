from __future__ import annotations

import uuid

from keywright import ids


def test_key_ids_look_like_kucoins_and_never_repeat() -> None:
    made = {ids.new_key_id() for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(ids.KEY_ID.fullmatch(key_id) for key_id in made)


def test_a_key_id_tells_nothing_of_when_it_was_made() -> None:
    # KuCoin's begin with a Unix time; the first four bytes of ours are as random as the rest.
    assert len({ids.new_key_id()[:8] for _ in range(100)}) == 100


def test_secrets_are_uuids_of_version_4_with_122_random_bits() -> None:
    secret = uuid.UUID(ids.new_api_secret())
    assert secret.version == 4
    assert secret.variant == uuid.RFC_4122


def test_row_ids_say_what_they_name() -> None:
    assert ids.new_id("acc").startswith("acc_")
