from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Said, Terminal
from tests.support.server import Installation


@pytest.fixture
def proved(ada: Terminal) -> Callable[..., Said]:
    """Give a log of four events, two of them about checkpoints; return what checking its export says."""
    for command in ("audit checkpoint", "accounts freeze ada@example.org", "audit checkpoint"):
        assert ada(command).code == 0
    export, folder = ada.folder / "events.ndjson", ada.folder / "checkpoints"
    export.write_text(ada("audit export").out)
    key = ada("audit key").out.strip()
    return lambda more="", **given: ada(
        f"audit verify-export {given.get('file', export)} --checkpoints {given.get('folder', folder)} "
        f"--public-key {given.get('key', key)} {more}".strip()
    )


def test_a_checkpoint_is_made_once_for_what_happened(ada: Terminal) -> None:
    made = ada("audit checkpoint --json")
    assert made.json == {
        "schema": 1,
        "number": 1,
        "events": 1,
        "at": ada.clock(),
        "file": str(ada.folder / "checkpoints" / "checkpoint-00000001.txt"),
        "is_new": True,
    }
    again = ada("audit checkpoint")
    assert again.code == 0
    assert "Checkpoint 1, of event 1, still holds, nothing happened since" in again.err
    events = ada("audit list --json").json["events"]
    assert (events[0]["kind"], events[0]["actor"]) == ("audit.checkpoint_made", "operator")


def test_a_copy_goes_where_it_is_asked_for_and_over_nothing(ada: Terminal, tmp_path: Path) -> None:
    shown = ada("audit checkpoint --output -")
    assert shown.out == (ada.folder / "checkpoints" / "checkpoint-00000001.txt").read_text()
    copy = tmp_path / "copy.txt"
    assert ada(f"audit checkpoint --output {copy}").code == 0
    assert copy.read_text() == shown.out
    assert copy.stat().st_mode & 0o777 == 0o600
    refused = ada(f"audit checkpoint --output {copy}")
    assert refused.code == 1
    assert "can't be written" in refused.err


def test_the_folder_is_the_settings(ada: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYWRIGHT_AUDIT_CHECKPOINT_DIR", str(tmp_path / "other disk"))
    assert ada("audit checkpoint").code == 0
    assert [path.name for path in (tmp_path / "other disk").iterdir()] == ["checkpoint-00000001.txt"]
    assert not (ada.folder / "checkpoints").exists()
    assert ada("audit verify").code == 0
    monkeypatch.delenv("KEYWRIGHT_AUDIT_CHECKPOINT_DIR")
    assert "checkpoint 1 is missing" in ada("audit verify").err


def test_verify_counts_the_checkpoints_or_leaves_them(ada: Terminal) -> None:
    assert "There is no checkpoint yet" in ada("audit verify").err
    assert ada("audit checkpoint").code == 0
    assert "1 checkpoint says so too, the newest of event 1" in ada("audit verify").err
    assert ada("audit verify --json").json["covered"] == 1
    key = ada("audit key --json").json["public_key"]
    assert ada(f"audit verify --public-key {key}").code == 0
    (ada.folder / "checkpoints" / "checkpoint-00000001.txt").unlink()
    assert ada("audit verify").code == 1
    assert ada("audit verify --no-checkpoints").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("verify --checkpoints /no/such/folder", "is not a folder"),
        ("verify --public-key rsa:abc", "is no public key"),
        ("list --kind key.isued", "did you mean key.issued?"),
        ("list --since yesterday", "is no time"),
        ("export --since 7", "there is no event 7 yet: the newest is 1"),
    ],
)
def test_what_was_typed_wrongly_is_said(ada: Terminal, arguments: str, said: str) -> None:
    refused = ada(f"audit {arguments}")
    assert refused.code == 2
    assert said in refused.err
    assert refused.out == ""


def test_every_bad_checkpoint_has_its_own_sentence(ada: Terminal) -> None:
    for command in ("audit checkpoint", "operator link", "audit checkpoint"):
        assert ada(command).code == 0
    path = ada.folder / "checkpoints" / "checkpoint-00000001.txt"
    text = path.read_text()
    for altered, said in (
        (text.replace("events: 1\n", "events: 2\n"), "the signature of checkpoint-00000001.txt does not hold"),
        (text[:-9], "is no checkpoint: it was cut off"),
        (text.replace("version: 1", "version: 9"), "version 9"),
        (text.replace("key: ed25519:", "key: ed25519:AAAA")[:-5] + "\n", "is no checkpoint"),
    ):
        path.write_text(altered)
        refused = ada("audit verify")
        assert (refused.code, refused.out) == (1, ""), said
        assert said in refused.err


def test_an_export_is_checked_with_nothing_of_ours(proved: Callable[..., Said]) -> None:
    found = proved("--json").json
    assert (found["first"], found["last"], found["covered"], found["checkpoints"]) == (1, 4, 3, 2)
    said = proved()
    assert "events 1 to 3; 2 checkpoints say so" in said.err
    assert "Nothing is proved of event 4" in said.err


def test_another_key_proves_nothing(proved: Callable[..., Said]) -> None:
    refused = proved(key="ed25519:" + "A" * 43 + "=")
    assert refused.code == 1
    assert "signed with another key" in refused.err


def test_an_altered_export_is_refused(proved: Callable[..., Said], ada: Terminal, tmp_path: Path) -> None:
    altered = tmp_path / "altered.ndjson"
    altered.write_text((ada.folder / "events.ndjson").read_text().replace("ada@", "eve@"))
    refused = proved(file=altered)
    assert refused.code == 1
    assert "checkpoint 1 does not hold: event 1, or one before it, is not what it was" in refused.err
    assert proved(file=tmp_path / "nothing").code == 1


def test_an_export_is_taken_from_standard_input(
    proved: Callable[..., Said], ada: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (ada.folder / "events.ndjson").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("tests.cli.conftest.io.StringIO", lambda _: io.TextIOWrapper(io.BytesIO(content)))
        assert proved(file="-").code == 0


def test_a_part_begins_where_it_is_asked_to(ada: Terminal) -> None:
    for _ in range(3):
        assert ada("operator link").code == 0
    lines = ada("audit export --since 3").out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [3, 4]


def test_the_list_is_chosen_from_and_shows_where_each_came_from(ada: Terminal) -> None:
    ada.clock.advance(seconds=60)
    since = ada.clock()
    assert ada("operator link").code == 0
    assert ada("accounts freeze ada@example.org").code == 0
    (frozen,) = ada("audit list --kind account.frozen --json").json["events"]
    assert frozen["agent"] == "cli"
    assert {"factor", "address", "request_id", "session", "mac", "version", "detail"} <= frozen.keys()
    assert len(ada("audit list --account ada@example.org --json").json["events"]) == 2
    moment = datetime.fromtimestamp(since // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert len(ada(f"audit list --since {moment} --json").json["events"]) == 2
    assert ada("audit list").out.splitlines()[0].split("\t")[6] == "cli"


def test_a_server_makes_one_when_it_is_stopped(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    with installation.serving() as server:
        assert server.stop() == 0
    assert [path.name for path in (installation.data / "checkpoints").iterdir()] == ["checkpoint-00000001.txt"]
    assert "1 checkpoint says so too" in installation.cli("audit", "verify").err
    with installation.serving(KEYWRIGHT_AUDIT_CHECKPOINT_MINUTES="0") as server:
        installation.cli("operator", "link")
        assert server.stop() == 0
    assert len(list((installation.data / "checkpoints").iterdir())) == 1
