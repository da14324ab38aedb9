"""Ways to a wrapping key, without a database: what opens, what does not, and what they are told apart by."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from hypothesis import given, strategies as st
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from keywright.app.protecting import forget_outside
from keywright.errors import Unopenable, Unusable
from keywright.sealing.keyring import new_data_key
from keywright.sealing.memory import LockedPage
from keywright.sealing.protections import passphrase as stretching
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.sealing.protections.kinds import UNATTENDED, find_outer
from keywright.sealing.protections.os_keyring import ByKeyring
from keywright.sealing.protections.passphrase import CHEAPEST, RFC_9106, ByPassphrase, normalised, stretch
from keywright.sealing.protections.systemd import NAME, BySystemd
from keywright.sealing.protections.wrapped import (
    NewProtection,
    Protection,
    Surroundings,
    unwrap_from,
    wrap_in,
)
from keywright.secret import Secret

DATABASE = "db_1"
KEY = new_data_key()


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(DATABASE, tmp_path / "vault.key", {})


def protected(new: NewProtection, around: Surroundings) -> tuple[Protection, Secret]:
    parameters, outer = new.make(around, protection_id="vpr_1")
    made = wrap_in(
        KEY, outer=outer, database_id=around.database_id, id_="vpr_1", kind=new.kind, parameters=parameters, now=1
    )
    return made, outer


# ── what they share


def test_a_protection_opens_by_its_own_outer_key_and_no_other(around: Surroundings) -> None:
    made, outer = protected(ByPassphrase(Secret("words"), CHEAPEST), around)
    assert unwrap_from(made, outer=outer, database_id=DATABASE) == KEY
    for wrong in (new_data_key(), Secret(b""), Secret(outer.reveal()[:-1])):
        with pytest.raises(Unopenable, match="this does not open the vault"):
            unwrap_from(made, outer=wrong, database_id=DATABASE)


def test_vlt_02_a_protection_that_was_moved_or_altered_opens_nowhere(around: Surroundings) -> None:
    made, outer = protected(ByPassphrase(Secret("words"), CHEAPEST), around)
    weaker = json.dumps({**json.loads(made.parameters), "passes": 2})
    altered = [
        replace(made, id="vpr_2"),
        replace(made, kind="key-file"),
        replace(made, parameters=weaker),
        replace(made, parameters=made.parameters + " "),
        *(replace(made, wrapped=made.wrapped[:length]) for length in range(len(made.wrapped))),
        *(replace(made, wrapped=_flipped(made.wrapped, at)) for at in range(len(made.wrapped))),
    ]
    for one in altered:
        with pytest.raises(Unopenable):
            unwrap_from(one, outer=outer, database_id=DATABASE)
    with pytest.raises(Unopenable):
        unwrap_from(made, outer=outer, database_id="db_2")


def _flipped(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def test_vlt_04_the_same_key_is_never_wrapped_to_the_same_bytes(around: Surroundings) -> None:
    new = ByPassphrase(Secret("words"), CHEAPEST)
    assert len({protected(new, around)[0].wrapped for _ in range(50)}) == 50


# ── a passphrase


def test_the_cost_is_rfc_9106s_and_stands_beside_the_salt(around: Surroundings) -> None:
    parameters, _ = ByPassphrase(Secret("words")).make(around, protection_id="vpr_1")
    salt = base64.b64decode(str(parameters.pop("salt")))
    assert len(salt) == 16
    assert parameters == {
        "kdf": "argon2id",
        "profile": "rfc-9106-low-memory",
        "passes": 3,
        "memory_kib": 65_536,
        "lanes": 4,
    }
    assert (RFC_9106.passes, RFC_9106.memory_kib, RFC_9106.lanes) == (3, 65_536, 4)


@pytest.mark.parametrize(
    "typed",
    [
        "Crème brûlée à minuit",
        "Cre\u0300me bru\u0302le\u0301e a\u0300 minuit",
        "Crème brûlée à minuit\n",
        "Crème brûlée à minuit\r\n",
    ],
    ids=["composed", "decomposed", "from a pipe", "from a pipe on Windows"],
)
def test_vlt_02_the_same_words_open_however_they_were_typed(around: Surroundings, typed: str) -> None:
    made, _ = protected(ByPassphrase(Secret("Crème brûlée à minuit"), CHEAPEST), around)
    assert unwrap_from(made, outer=stretch(Secret(typed), made.read()), database_id=DATABASE) == KEY


@pytest.mark.parametrize(
    "typed",
    [b"", b"\n", b"wrong", b"words ", b" words", b"words\n\n", b"Words", b"\xff\xfe", b"words\0", b"w" * 10_000_000],
    ids=[
        "empty",
        "only a newline",
        "another",
        "space after",
        "space before",
        "two newlines",
        "case",
        "no text",
        "NUL",
        "10 MB",
    ],
)
def test_vlt_02_whatever_else_is_typed_fails_alike(around: Surroundings, typed: bytes) -> None:
    made, _ = protected(ByPassphrase(Secret("words"), CHEAPEST), around)
    with pytest.raises(Unopenable, match=r"^this does not open the vault$"):
        unwrap_from(made, outer=stretch(Secret(typed), made.read()), database_id=DATABASE)


@given(st.binary(max_size=64))
def test_normalising_is_done_once_and_for_all(typed: bytes) -> None:
    once = normalised(Secret(typed))
    assert normalised(Secret(once.reveal() + b"\n")) == once


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 2**40},
        {"passes": 10**9},
        {"lanes": 0},
        {"lanes": "four"},
        {"kdf": "pbkdf2"},
        {"salt": "?"},
        {"salt": "AAAA"},
        {"salt": None},
    ],
)
def test_altered_parameters_cost_nothing(
    around: Surroundings, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters, _ = ByPassphrase(Secret("words"), CHEAPEST).make(around, protection_id="vpr_1")
    monkeypatch.setattr("argon2.low_level.hash_secret_raw", lambda *_, **__: pytest.fail("it was computed"))
    with pytest.raises(Unopenable):
        stretching.stretch(Secret("words"), parameters | change)


@pytest.mark.parametrize("text", ["", "nothing", "[]", "7", "{"])
def test_parameters_that_are_none_are_said_to_be(text: str) -> None:
    with pytest.raises(Unopenable):
        Protection("vpr_1", "passphrase", text, b"", 1).read()


# ── a key file


def test_a_key_file_is_made_where_none_is_and_found_again(around: Surroundings) -> None:
    made, outer = protected(ByKeyFile(), around)
    assert around.key_file.stat().st_mode & 0o777 == 0o600
    assert made.parameters == "{}"
    assert find_outer(made, around) == outer
    again, same = protected(ByKeyFile(), around)  # one that lies there serves on
    assert same == outer
    assert unwrap_from(again, outer=same, database_id=DATABASE) == KEY


def test_a_key_file_may_lie_elsewhere_and_is_named_then(around: Surroundings, tmp_path: Path) -> None:
    made, outer = protected(ByKeyFile(tmp_path / "stick.key"), around)
    assert find_outer(made, around) == outer
    assert not around.key_file.exists()
    (tmp_path / "stick.key").chmod(0o644)
    with pytest.raises(Unusable, match="can be reached by others"):
        find_outer(made, around)
    (tmp_path / "stick.key").unlink()
    with pytest.raises(Unusable, match="No such file"):
        find_outer(made, around)


# ── a systemd credential


@pytest.fixture
def credentials(tmp_path: Path, around: Surroundings) -> Surroundings:
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    return replace(around, environ={"CREDENTIALS_DIRECTORY": str(folder)})


def _give(around: Surroundings, content: bytes, *, mode: int = 0o400) -> Path:
    path = Path(around.environ["CREDENTIALS_DIRECTORY"]) / NAME
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("shape", [bytes, lambda key: base64.b64encode(key) + b"\n"], ids=["raw", "base64, as openssl"])
def test_a_credential_of_systemd_opens(credentials: Surroundings, shape: Callable[[bytes], bytes]) -> None:
    _give(credentials, shape(os.urandom(32)))
    made, outer = protected(BySystemd(), credentials)
    assert unwrap_from(made, outer=find_outer(made, credentials), database_id=DATABASE) == KEY
    _give(credentials, shape(os.urandom(32)))
    assert find_outer(made, credentials) != outer


def test_outside_its_unit_a_credential_is_not_there_and_how_to_get_it_is_told(around: Surroundings) -> None:
    with pytest.raises(Unusable, match="CREDENTIALS_DIRECTORY is not set") as refused:
        BySystemd().make(around, protection_id="vpr_1")
    assert "systemd-creds encrypt" in refused.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 31, b"A" * 2000, b"not base64 at all, but long enough..."]
)
def test_a_credential_without_a_key_is_refused(credentials: Surroundings, content: bytes) -> None:
    _give(credentials, content)
    with pytest.raises(Unusable, match="holds no key"):
        BySystemd().make(credentials, protection_id="vpr_1")


@pytest.mark.parametrize("mode", [0o444, 0o420, 0o402])
def test_vlt_09_a_credential_that_others_reach_is_refused(credentials: Surroundings, mode: int) -> None:
    _give(credentials, os.urandom(32), mode=mode)
    with pytest.raises(Unusable, match="others can reach it"):
        BySystemd().make(credentials, protection_id="vpr_1")


def test_vlt_09_a_credential_that_is_a_pipe_or_a_link_is_refused(credentials: Surroundings, tmp_path: Path) -> None:
    path = _give(credentials, b"")
    path.unlink()
    os.mkfifo(path, 0o400)
    with pytest.raises(Unusable):
        BySystemd().make(credentials, protection_id="vpr_1")
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(os.urandom(32))
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unusable, match="can't be read"):
        BySystemd().make(credentials, protection_id="vpr_1")


# ── the keyring of the desktop: a backend of our own, through the library's own door


class Desktop(KeyringBackend):
    priority = -1  # the library knows every class of this kind: it must not choose this one by itself

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("Failed to unlock the collection!")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


@pytest.fixture(autouse=True)
def keyring_as_it_was() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def desktop() -> Desktop:
    desktop = Desktop()
    keyring.set_keyring(desktop)
    return desktop


def test_the_keyring_keeps_a_key_of_this_vault_alone(desktop: Desktop, around: Surroundings) -> None:
    made, outer = protected(ByKeyring(), around)
    assert find_outer(made, around) == outer
    assert list(desktop.entries) == [("keywright", f"vault {DATABASE} vpr_1")]
    assert KEY.reveal() not in str(desktop.entries).encode()
    assert not forget_outside(made)
    assert not desktop.entries
    assert "is still in the keyring" in forget_outside(made)  # or gone, by other hands
    with pytest.raises(Unusable, match="does not hold the vault's key"):
        find_outer(made, around)


class Plain(Desktop):
    """Keeps its entries in a file, as those of the package keyrings.alt do."""

    __module__ = "keyrings.alt.file"


def test_of_a_chain_of_keyrings_only_a_desktops_is_given_the_key(
    desktop: Desktop, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where several are installed the library asks one after the other, and tells nobody which."""
    plain = Plain()
    monkeypatch.setattr(ChainerBackend, "backends", [plain, desktop])
    keyring.set_keyring(ChainerBackend())  # type: ignore[no-untyped-call]
    made, outer = protected(ByKeyring(), around)
    assert (plain.entries, find_outer(made, around)) == ({}, outer)
    monkeypatch.setattr(ChainerBackend, "backends", [plain])
    with pytest.raises(Unusable, match=r"no keyring of a desktop here \(found: keyrings\.alt\.file\.Plain"):
        ByKeyring().make(around, protection_id="vpr_1")
    assert not plain.entries


def test_a_locked_keyring_says_so_and_a_spoiled_entry_opens_nothing(desktop: Desktop, around: Surroundings) -> None:
    made, _ = protected(ByKeyring(), around)
    desktop.is_locked = True
    with pytest.raises(Unusable, match="refused: KeyringLocked") as refused:
        find_outer(made, around)
    assert "unlock it" in refused.value.hint
    desktop.is_locked = False
    desktop.entries = dict.fromkeys(desktop.entries, "no base64 €")
    with pytest.raises(Unopenable):
        unwrap_from(made, outer=find_outer(made, around), database_id=DATABASE)


def test_a_machine_without_a_desktop_is_told_what_else_there_is(around: Surroundings) -> None:
    from keyring.backends import fail, null

    for backend in (fail.Keyring(), null.Keyring()):  # type: ignore[no-untyped-call]
        keyring.set_keyring(backend)
        with pytest.raises(Unusable, match="there is no keyring of a desktop here") as refused:
            ByKeyring().make(around, protection_id="vpr_1")
        assert "key-file" in refused.value.hint


def test_a_kind_of_a_later_version_is_named(around: Surroundings) -> None:
    with pytest.raises(Unusable, match="knows no protection of the kind tpm"):
        find_outer(Protection("vpr_1", "tpm", "{}", b"", 1), around)
    assert set(UNATTENDED) == {"key-file", "keyring", "systemd", "transit"}


# ── memory


def test_vlt_10_a_page_is_wiped() -> None:
    page = LockedPage(Secret(b"the wrapping key"))
    assert page.read() == Secret(b"the wrapping key")
    page.wipe()
    page.wipe()
    with pytest.raises(ValueError, match="closed"):
        page.read()


IN_A_CHILD = """
import os
from keywright.sealing.memory import LockedPage
from keywright.secret import Secret
page = LockedPage(Secret(b"the wrapping key"))
if not os.fork():
    page.read()
    os._exit(0)
print(os.WIFSIGNALED(os.wait()[1]), page.read().reveal_text())
"""


def test_vlt_10_a_child_has_no_such_page() -> None:
    done = subprocess.run([sys.executable, "-c", IN_A_CHILD], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True the wrapping key\n"
