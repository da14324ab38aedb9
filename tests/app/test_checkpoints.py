"""Checkpoints as they are made: when, from what, and what keeps one from being made. On both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from keywright.app import checkpoints as app
from keywright.app.checkpoints import Checkpoints
from keywright.app.services import Services
from keywright.audit import checkpoint_files as files
from keywright.audit.checkpoint import Checkpoint
from keywright.audit.events import Kind
from keywright.errors import Busy, Unusable
from tests.support.audit import checkpoints_in, happen
from tests.support.clock import FakeClock


@pytest.fixture
def kept(services: Services, tmp_path: Path) -> Checkpoints:
    return checkpoints_in(services, tmp_path / "checkpoints")


async def made(kept: Checkpoints) -> Checkpoint:
    one = await kept.make()
    assert one is not None
    return one


async def test_one_says_what_the_log_holds_and_names_the_one_before(kept: Checkpoints, clock: FakeClock) -> None:
    await happen(kept.services, times=3)
    first = await made(kept)
    await happen(kept.services)
    second = await made(kept)
    said = second.statement
    assert (said.number, said.events, said.at, said.database_id) == (2, 5, clock(), "db_test")
    assert said.previous == first.digest
    assert await kept.newest() == second
    verified = await kept.verify()
    assert (verified.count, verified.checkpoints, verified.covered) == (6, 2, 5)


async def test_that_one_was_made_is_in_the_log_and_is_no_reason_for_another(kept: Checkpoints) -> None:
    assert await kept.make() is None
    assert await kept.newest() is None
    await happen(kept.services)
    one = await made(kept)
    assert await kept.make() is None
    async with kept.services.database.read() as tx:
        newest = (await kept.services.audit.list(tx))[0]
    assert (newest.kind, newest.actor, newest.subject_version) == (Kind.CHECKPOINT_MADE, "system", 1)
    assert one.digest in newest.detail


async def test_one_that_a_dead_process_left_is_taken_up(kept: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was written, and nobody noted it: it counts, and what happened since is in the next."""
    await happen(kept.services)

    async def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "_note", die)
        await kept.make()
    (left,) = files.texts(kept.folder)
    assert (await kept.verify()).checkpoints == 1
    assert await kept.make() is None
    assert [text for _, text in files.texts(kept.folder)] == [left[1]]
    await happen(kept.services)
    assert (await made(kept)).statement.number == 2
    assert (await kept.verify()).checkpoints == 2


async def test_several_at_once_make_one_chain(kept: Checkpoints) -> None:
    await happen(kept.services, times=2)
    await asyncio.gather(*(kept.make() for _ in range(5)))
    await happen(kept.services)
    await asyncio.gather(*(kept.make() for _ in range(5)))
    assert (await kept.verify()).checkpoints == len(list(files.texts(kept.folder))) == 2


async def test_one_that_this_database_knows_nothing_of_is_neither_taken_up_nor_written_over(kept: Checkpoints) -> None:
    await happen(kept.services)
    first = await made(kept)
    foreign = kept.key.sign(replace(first.statement, number=2, events=900, previous=first.digest))
    files.write_new(kept.folder / foreign.name, foreign.text)
    await happen(kept.services)
    with pytest.raises(Unusable, match="never had"):
        await kept.make()
    with pytest.raises(Unusable, match="an older copy was put back"):
        await kept.verify()
    assert files.text_of(kept.folder, 2) == foreign.text
    (kept.folder / foreign.name).rename(kept.folder.parent / foreign.name)
    assert (await made(kept)).statement.number == 2


async def test_a_removed_one_is_found_the_newest_too(kept: Checkpoints) -> None:
    for _ in range(3):
        await happen(kept.services)
        await made(kept)
    for number in (3, 1):
        path = kept.folder / f"checkpoint-0000000{number}.txt"
        text = path.read_bytes()
        path.unlink()
        with pytest.raises(Unusable, match=f"checkpoint {number} is missing"):
            await kept.verify()
        files.write_new(path, text)
    with pytest.raises(Unusable, match="missing"):
        await kept.verify(folder=kept.folder.parent / "nowhere")
    (kept.folder / "checkpoint-00000003.txt").unlink()
    with pytest.raises(Unusable, match="checkpoint 3 is missing"):
        await kept.newest()


async def test_one_that_was_signed_anew_over_the_same_events_is_not_the_one_that_was_made(kept: Checkpoints) -> None:
    await happen(kept.services)
    first = await made(kept)
    (kept.folder / first.name).unlink()
    another = kept.key.sign(replace(first.statement, at=first.statement.at + 1))
    files.write_new(kept.folder / another.name, another.text)
    with pytest.raises(Unusable, match="checkpoint 1 is not the one that event 2 says was made"):
        await kept.verify()


async def test_the_schedule_goes_by_the_last_one(kept: Checkpoints, clock: FakeClock) -> None:
    await happen(kept.services)
    await kept.make_if_due(minutes=60)
    await happen(kept.services)
    clock.advance(seconds=3_599)
    await kept.make_if_due(minutes=60)
    assert len(list(files.texts(kept.folder))) == 1
    clock.advance(seconds=1)
    await kept.make_if_due(minutes=60)
    assert len(list(files.texts(kept.folder))) == 2
    clock.advance(seconds=3_600)
    await kept.make_if_due(minutes=60)
    assert len(list(files.texts(kept.folder))) == 2, "nothing happened since"


async def test_what_keeps_one_from_being_made_is_said_and_does_not_stop_the_server(
    kept: Checkpoints, caplog: pytest.LogCaptureFixture
) -> None:
    kept.folder.write_bytes(b"not a folder")
    await happen(kept.services)
    await kept.make_if_due(minutes=60)
    assert "no checkpoint of the audit log was made" in caplog.text
    assert str(kept.folder) in caplog.text


async def test_a_folder_that_does_not_answer_is_given_up_on(kept: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event as Gate

    gate = Gate()
    monkeypatch.setattr(app, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(files, "text_of", lambda *_: gate.wait(30))
    await happen(kept.services)
    with pytest.raises(Busy, match="does not answer"):
        await kept.make()
    gate.set()
