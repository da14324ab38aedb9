"""`keywright database check`, on a database of each kind: what was altered, cut off or left open is found."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keywright.storage.engine import open_database, sqlite_url
from tests.cli.conftest import Terminal


class Spoilt:
    """A terminal, and someone who writes to its database by hand."""

    def __init__(self, terminal: Terminal, url: str) -> None:
        self.terminal = terminal
        self._url = url

    def sql(self, *statements: str) -> None:
        async def run() -> None:
            database = open_database(self._url or sqlite_url(self.terminal.folder / "keywright.db"))
            async with database.write() as tx:
                for statement in statements:
                    await tx.exec_driver_sql(statement)
            await database.close()

        asyncio.run(run())

    def found(self) -> list[str]:
        checked = self.terminal("database check --json")
        found = [one["what"] for one in checked.json["findings"]]
        assert checked.code == (1 if found else 0), checked.err
        return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def spoilt(request: pytest.FixtureRequest, keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Spoilt:
    url: str = request.getfixturevalue("empty_postgres") if request.param == "postgres" else ""
    if url:
        monkeypatch.setenv("KEYWRIGHT_DATABASE_URL", url)
    assert keywright("database upgrade").code == 0
    made = keywright("accounts create ada@example.org --json", "seven-lamps-under-rain")
    keywright.totp = made.json["totp_secret"]
    assert keywright("keys create bot", "Quiet-Harbour-77", keywright.code()).code == 0
    return Spoilt(keywright, url)


def test_what_is_whole_has_no_findings(spoilt: Spoilt) -> None:
    assert spoilt.found() == []
    assert "Everything holds" in spoilt.terminal("database check").err


@pytest.mark.parametrize(
    "change", ["permissions = 'read,trade,withdraw'", "addresses = '0.0.0.0/0'", "grant_mac = secret_sealed"]
)
def test_aud_10_an_altered_grant_is_found(spoilt: Spoilt, change: str) -> None:
    spoilt.sql(f"UPDATE api_keys SET {change}")
    assert spoilt.found() == ["keys"]


def test_a_secret_that_does_not_open_is_found(spoilt: Spoilt) -> None:
    spoilt.sql("UPDATE api_keys SET secret_sealed = passphrase_digest")
    assert spoilt.found() == ["keys"]


def test_an_audit_log_without_its_end_is_found(spoilt: Spoilt) -> None:
    spoilt.sql("UPDATE audit_head SET seq = seq - 1")
    assert "audit" in spoilt.found()


def test_rows_of_keys_that_never_were_are_found(spoilt: Spoilt) -> None:
    spoilt.sql("INSERT INTO key_last_use (key_id, at, address) VALUES ('nobody', 1, '203.0.113.7')")
    assert spoilt.found() == ["orphans"]


def test_sto_14_a_copy_that_others_can_read_is_found(spoilt: Spoilt) -> None:
    copies = Path(spoilt.terminal.folder / "backups")
    copies.mkdir(mode=0o700, exist_ok=True)
    (copies / "copy.db").touch()
    (copies / "copy.db").chmod(0o644)
    assert spoilt.found() == ["files"]


def test_sto_12_a_database_older_than_its_checkpoints_is_found(keywright: Terminal, tmp_path: Path) -> None:
    assert keywright("accounts create ada@example.org", "seven-lamps-under-rain").code == 0
    assert keywright(f"database backup {tmp_path / 'copy.db'}").code == 0
    assert keywright("accounts create bob@example.org", "nine-boats-at-anchor").code == 0
    assert keywright("audit checkpoint").code == 0
    for name in keywright.folder.glob("keywright.db*"):
        name.unlink()
    (tmp_path / "copy.db").rename(keywright.folder / "keywright.db")
    checked = keywright("database check")
    assert checked.code == 1
    assert "audit" in checked.out
