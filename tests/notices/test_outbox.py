from __future__ import annotations

from pathlib import Path

import pytest

from keywright.notices import outbox as outbox_module
from keywright.notices.courier import Undelivered
from keywright.notices.mail import Sender, message
from keywright.notices.outbox import Outbox
from tests.support.clock import T0

MAIL = message(
    "Grüße",
    "Über https://keys.example.org/notices/freeze?t=" + "x" * 120 + "\n",
    sender=Sender("Keywright", "keys@example.org"),
    recipient="ada@example.org",
    message_id="m",
    at=T0,
    raw=True,
)


async def test_a_mail_is_a_file_that_people_can_read(tmp_path: Path) -> None:
    await Outbox(tmp_path / "outbox").send(MAIL, name="ntc_1-1")
    text = (tmp_path / "outbox" / "ntc_1-1.eml").read_text("utf-8")
    assert "x" * 120 in text, "a link must not be broken"


async def test_the_same_mail_twice_is_one_file(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    for _ in range(2):
        await box.send(MAIL, name="ntc_1-1")
    assert [path.name for path in tmp_path.iterdir()] == ["ntc_1-1.eml"]


async def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MOST_FILES", 3)
    for number in range(5):
        await Outbox(tmp_path).send(MAIL, name=f"ntc_{number}")
    assert {path.stem for path in tmp_path.iterdir()} == {"ntc_2", "ntc_3", "ntc_4"}


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands there")
    with pytest.raises(Undelivered) as problem:
        await Outbox(tmp_path / "outbox").send(MAIL, name="ntc_1")
    assert problem.value.is_carrier
