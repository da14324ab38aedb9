"""Checkpoints as files: whole or not there, private, never written over."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from keywright.audit import checkpoint_files as files
from keywright.errors import Unusable
from tests.audit.test_checkpoint import FIRST, KEY, chain
from tests.support import killable
from tests.support.audit import checkpoints_in, make_without_end

KILLS = 20
SEED = 20_260_101


def test_a_checkpoint_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "checkpoints"
    assert files.keep(folder, KEY.sign(FIRST))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "checkpoint-00000001.txt").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["checkpoint-00000001.txt"]


def test_none_is_ever_written_over(tmp_path: Path) -> None:
    first = KEY.sign(FIRST)
    assert files.keep(tmp_path, first)
    assert not files.keep(tmp_path, KEY.sign(replace(FIRST, events=11)))
    assert list(files.texts(tmp_path)) == [(first.name, first.text)]


def test_a_folder_without_hard_links_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> NoReturn:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    test_none_is_ever_written_over(tmp_path)


def test_they_are_given_by_number_and_nothing_else_is_taken_for_one(tmp_path: Path) -> None:
    made = chain(11)
    for one in reversed(made):
        files.write_new(tmp_path / one.name, one.text)
    for name in ("README", "checkpoint-1.txt", ".checkpoint-00000012.txt.1.new", "checkpoint-00000012.txt.bak"):
        (tmp_path / name).write_bytes(b"x")
    assert [text for _, text in files.texts(tmp_path)] == [one.text for one in made]
    assert list(files.texts(tmp_path / "nowhere")) == []


def test_what_cannot_be_written_or_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unusable, match="no checkpoint can be written"):
        files.keep(tmp_path / "file", KEY.sign(FIRST))
    with pytest.raises(Unusable, match="can't be read"):
        list(files.texts(tmp_path / "file"))
    (tmp_path / "checkpoint-00000001.txt").mkdir()
    with pytest.raises(Unusable, match="can't be read"):
        list(files.texts(tmp_path))


def test_a_huge_file_and_a_pipe_are_read_no_further_than_a_checkpoint_goes(tmp_path: Path) -> None:
    with (tmp_path / "checkpoint-00000001.txt").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Unusable, match="too long"):
        list(files.texts(tmp_path))
    os.mkfifo(tmp_path / "checkpoint-00000000.txt")
    assert next(files.texts(tmp_path)) == ("checkpoint-00000000.txt", b"")


@pytest.mark.slow
async def test_kills_while_checkpoints_are_made_leave_none_by_half(tmp_path: Path) -> None:
    """Every one that was told of is there, the chain is whole, and the next one goes on from it."""
    data, folder = tmp_path / "data", tmp_path / "checkpoints"
    await killable.new_account(data)
    moments, told = random.Random(SEED), 0
    for _ in range(KILLS):
        process, facts = killable.start(make_without_end, data, str(folder))
        heard: list[tuple[str, ...]] = []
        try:
            for _ in range(moments.randint(1, 4)):  # facts, not seconds: a busy machine gets as far as an idle one
                assert await asyncio.to_thread(facts.poll, 60), "it does not go on"
                heard.append(facts.recv())
            await asyncio.sleep(moments.uniform(0, 0.08))
        finally:
            process.kill()
        heard += await asyncio.to_thread(killable.told, facts)
        told = max([told, *(int(about[0]) for word, *about in heard if word == "made")])
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, heard  # or it ended by itself: the last says why
        async with killable.opened(data) as services:
            kept = checkpoints_in(services, folder)
            assert len(list(files.texts(folder))) in {told, told + 1}
            made = await kept.make()
            told = made.statement.number if made else told
            assert (await kept.verify()).checkpoints == len(list(files.texts(folder))) >= told
            told = len(list(files.texts(folder)))
    assert told > KILLS, "too little happened"
    assert len(list(folder.glob(".*"))) <= 1, "what dead processes left is cleared away"
