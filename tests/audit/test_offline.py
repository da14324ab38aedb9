"""An export and checkpoints, and nothing else: what they prove of each other."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import update

from keywright.app.services import Services
from keywright.audit.chain import MAX_LINE
from keywright.audit.checkpoint import in_order
from keywright.audit.checkpoint_files import texts
from keywright.audit.offline import Proved, verify_export
from keywright.errors import Unusable
from keywright.storage.tables import audit_head
from tests.support.audit import checkpoints_in, exported, happen


async def three_checkpoints(services: Services, folder: Path) -> list[bytes]:
    """Let things happen and checkpoints be made: of events 1 to 3, 1 to 7, 1 to 11; return the 13 lines of an export."""
    kept = checkpoints_in(services, folder)
    for _ in range(3):
        await happen(services, times=3)
        assert await kept.make()
    await happen(services)
    return await exported(services)


def proved(services: Services, folder: Path, lines: list[bytes]) -> Proved:
    key = checkpoints_in(services, folder).key.public
    return verify_export(io.BytesIO(b"".join(line + b"\n" for line in lines)), in_order(texts(folder), public_key=key))


async def test_what_was_signed_is_proved_and_what_came_after_is_not(services: Services, tmp_path: Path) -> None:
    lines = await three_checkpoints(services, tmp_path)
    assert proved(services, tmp_path, lines) == Proved(1, 13, 11, 3, "db_test")


async def test_a_line_says_everything_and_names_the_one_before_by_its_digest(
    services: Services, tmp_path: Path
) -> None:
    """Whoever checks without this program needs `sha256sum` and the signature."""
    lines = await three_checkpoints(services, tmp_path)
    events = [json.loads(line) for line in lines]
    for line, event in zip(lines, events[1:], strict=False):
        assert event["previous"] == hashlib.sha256(line).hexdigest()
    assert (tmp_path / "checkpoint-00000002.txt").read_text().count(f"link: sha256:{events[7]['previous']}\n") == 1
    assert {name: events[0][name] for name in ("factor", "address", "agent", "request_id", "session")} == {
        "factor": "totp",
        "address": "203.0.113.7",
        "agent": "tests",
        "request_id": "req_1",
        "session": "ses_1",
    }


@pytest.mark.parametrize("since", [2, 3, 4, 5, 8, 11, 12])
async def test_a_part_is_proved_as_far_as_a_later_checkpoint_goes(
    services: Services, tmp_path: Path, since: int
) -> None:
    lines = await three_checkpoints(services, tmp_path)
    part = await exported(services, since=since)
    assert part == lines[since - 1 :]
    assert proved(services, tmp_path, part).covered == 11


async def test_a_part_that_no_checkpoint_speaks_of_proves_nothing(services: Services, tmp_path: Path) -> None:
    lines = await three_checkpoints(services, tmp_path)
    with pytest.raises(Unusable, match="nothing is proved"):
        proved(services, tmp_path, lines[12:])
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(Unusable, match="checkpoint 1 is missing"):
        proved(services, tmp_path, lines)
    with pytest.raises(Unusable, match="nothing is proved"):
        proved(services, tmp_path, lines[:3])


async def test_whatever_was_done_to_an_export_is_named(services: Services, tmp_path: Path) -> None:
    lines = await three_checkpoints(services, tmp_path)
    edited = lines[1].replace(b"n1", b"n7")
    cases = {
        "an edited event": ([lines[0], edited, *lines[2:]], "event 3 does not follow"),
        "a missing one": (lines[:4] + lines[5:], "event 5 is missing"),
        "two swapped": ([lines[0], lines[2], lines[1], *lines[3:]], "event 2 is missing"),
        "one twice": (lines[:2] + lines[1:], "event 3 is missing"),
        "the end cut off": (lines[:9], "has only 9"),
        "the beginning altered": ([lines[0].replace(b'"previous":"00', b'"previous":"11'), *lines[1:]], "event 1"),
        "a line cut off": ([*lines[:5], lines[5][:-1]], "line 6 is no JSON"),
        "not JSON": ([*lines[:2], b"\xff\xfe"], "line 3 is no JSON"),
        "deep JSON": ([b"[" * 500_000], "line 1 is no JSON"),
        "another kind of JSON": ([b"[]"], "line 1 is no event"),
        "a number that is none": ([lines[0].replace(b'"seq":1,', b'"seq":true,')], "line 1 is no event"),
        "an empty line": ([lines[0], b"", lines[1]], "line 2 is no JSON"),
        "a huge line": ([b"x" * (MAX_LINE + 1)], "longer than any event"),
        "nothing": ([], "no event"),
    }
    for what, (altered, said) in cases.items():
        with pytest.raises(Unusable) as refused:
            proved(services, tmp_path, altered)
        assert said in refused.value.message, what


async def test_a_history_rewritten_from_end_to_end_is_not_the_one_that_was_signed(
    services: Services, tmp_path: Path
) -> None:
    """The public chain can be computed anew by anyone: it is the signature that can't."""
    lines = [json.loads(line) for line in await three_checkpoints(services, tmp_path)]
    lines[1]["detail"]["name"] = "another"
    rewritten: list[bytes] = []
    for line in lines:
        if rewritten:
            line["previous"] = hashlib.sha256(rewritten[-1]).hexdigest()
        rewritten.append(json.dumps(line, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(Unusable, match="checkpoint 1 does not hold: event 3, or one before it"):
        proved(services, tmp_path, rewritten)


async def test_a_checkpoint_that_the_export_tells_of_must_be_there(services: Services, tmp_path: Path) -> None:
    lines = await three_checkpoints(services, tmp_path)
    (tmp_path / "checkpoint-00000003.txt").unlink()
    with pytest.raises(Unusable, match="checkpoint 3 is missing: event 12 says it was made"):
        proved(services, tmp_path, lines)


async def test_a_log_from_before_there_were_checkpoints_is_taken_up(services: Services, tmp_path: Path) -> None:
    """After the migration the head keeps no link; events may also have been added by a program that knew none."""
    await happen(services, times=5)
    async with services.database.write() as tx:
        await tx.execute(update(audit_head).values(link_seq=None, link=None, link_mac=None))
    await happen(services, times=2)
    kept = checkpoints_in(services, tmp_path)
    assert (await kept.verify()).count == 7
    made = await kept.make()
    assert made is not None
    assert made.statement.events == 7
    await happen(services)
    async with services.database.read() as tx:
        head = (await tx.execute(audit_head.select())).one()
    assert head.link_seq == head.seq == 9
    assert proved(services, tmp_path, await exported(services)).covered == 7


async def test_a_link_that_is_not_ours_is_not_built_on(services: Services, tmp_path: Path) -> None:
    await happen(services)
    async with services.database.write() as tx:
        await tx.execute(update(audit_head).values(link=bytes(32)))
    with pytest.raises(Unusable, match="head"):
        await happen(services)
    with pytest.raises(Unusable, match="head"):
        await checkpoints_in(services, tmp_path).make()
    with pytest.raises(Unusable, match="head altered"):
        await checkpoints_in(services, tmp_path).verify()
