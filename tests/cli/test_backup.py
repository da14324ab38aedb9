"""`keywright database backup`, on a database of each kind: a copy that can be put back, and holds no key to itself."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal

PASSPHRASE = "Quiet-Harbour-77"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def on_each(request: pytest.FixtureRequest, keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a terminal over a database of each kind, with an account."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("empty_postgres")
        monkeypatch.setenv("KEYWRIGHT_DATABASE_URL", url.replace("postgres@", "postgres:geheim@"))
    assert keywright("database upgrade").code == 0
    made = keywright("accounts create ada@example.org --json", "seven-lamps-under-rain")
    keywright.totp = made.json["totp_secret"]
    return keywright


def test_sto_12_a_backup_is_private_whole_and_holds_no_wrapping_key(on_each: Terminal, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for destination in (copies, copies / "mine"):
        made = on_each(f"database backup {destination} --json")
        assert made.code == 0, made.err
        path = Path(made.json["path"])
        assert path.parent == copies
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert made.json["bytes"] == path.stat().st_size
        assert made.json["events"] == 1
        key = (on_each.folder / "config" / "wrapping.key").read_bytes()
        assert key.strip() not in path.read_bytes()
    assert len(list(copies.iterdir())) == 2, "nothing half-made lies about"


def test_a_backup_goes_over_nothing_and_beside_no_wrapping_key(on_each: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    for destination, words in (
        (tmp_path / "mine", "is there already"),
        (on_each.folder / "config", "beside the wrapping key"),
        (tmp_path / "nowhere" / "x", "can't be written"),
    ):
        refused = on_each(f"database backup {destination}")
        assert (refused.code, refused.out) == (1, "")
        assert words in refused.err
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert not list(tmp_path.rglob("*.part*"))


def test_sto_12_a_backup_put_back_is_the_database_as_it_was(keywright: Terminal, tmp_path: Path) -> None:
    assert keywright("accounts create ada@example.org", "seven-lamps-under-rain").code == 0
    assert keywright(f"database backup {tmp_path / 'copy.db'}").code == 0
    assert keywright("accounts create bob@example.org", "nine-boats-at-anchor").code == 0
    for name in keywright.folder.glob("keywright.db*"):
        name.unlink()
    shutil.copy(tmp_path / "copy.db", keywright.folder / "keywright.db")
    assert [one["email"] for one in keywright("accounts list --json").json["accounts"]] == ["ada@example.org"]
    assert keywright("audit verify").code == 0


@pytest.mark.postgres
def test_leak_without_its_programs_the_way_is_told_and_no_password(
    on_each: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not list(on_each.folder.glob("keywright.db")):
        monkeypatch.setattr("keywright.app.backup.PROGRAMS", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
        refused = on_each(f"database backup {tmp_path / 'copy'}")
        assert refused.code == 1
        assert "pg_dump is not installed" in refused.err
        assert "geheim" not in refused.err
        assert not (tmp_path / "copy").exists()
