"""Files: which are read, and that none is too long, too odd or too secret to be told of."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from keywright.scan import files
from keywright.scan.files import Unreadable, paths_under, scan_file
from keywright.scan.model import Part
from keywright.scan.run import below, scan_files
from tests.scan.planted import env, plant

KUCOIN = plant("kucoin")


def found(path: Path, *, unpack: bool = False) -> list[tuple[int, Part]]:
    return [(one.hit.line, one.hit.part) for one in scan_file(str(path), shown=path.name, unpack=unpack)]


def test_a_folder_is_walked_by_name_without_links_and_git(tmp_path: Path) -> None:
    for name in ("b/.env", "a.txt", ".git/config", "b/node_modules/x.js", "c/z.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "d").symlink_to(tmp_path / "b")
    (tmp_path / "e").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    shown = below(tmp_path)
    assert [shown(path) for path in paths_under(tmp_path)] == ["a.txt", "b/.env", "b/node_modules/x.js", "c/z.py"]
    left = paths_under(tmp_path, exclude=("node_modules", "*.py"))
    assert [shown(path) for path in left] == ["a.txt", "b/.env"]


def test_a_log_is_read_in_blocks_and_nothing_falls_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 9_000)
    path = tmp_path / "bot.log"
    lines = [f"{n} kucoin tick" for n in range(3_000)]
    for at in (500, 501, 502, 1_700, 2_999):
        lines[at] = f"sent KC-API-KEY: {KUCOIN.key}"
    path.write_text("\n".join(lines))
    assert [line for line, _ in found(path)] == [501, 502, 503, 1_701, 3_000], "each once, at its line"


def test_what_is_no_text_is_passed_over_and_what_powershell_wrote_is_not(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\0kucoin\n" + env(KUCOIN).encode())
    assert found(tmp_path / "binary") == []
    (tmp_path / "utf16.env").write_bytes(env(KUCOIN).encode("utf-16"))
    assert len(found(tmp_path / "utf16.env")) == 3


def test_packed_logs_are_opened_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "bot.log.gz"
    path.write_bytes(gzip.compress(env(KUCOIN).encode()))
    assert found(path) == []
    assert len(found(path, unpack=True)) == 3
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(Unreadable):
        scan_file(str(path), shown="bot.log.gz", unpack=True)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text(env(KUCOIN))
    told = list(scan_files([str(tmp_path / "gone"), str(tmp_path / "a.env"), str(tmp_path)]))
    assert [isinstance(one, Unreadable) for one in told] == [True, False, False, False, True]
    assert isinstance(told[0], Unreadable)
    assert str(told[0].args[0]).endswith("gone")


@pytest.mark.slow
def test_many_files_are_shared_out_and_told_of_in_order(tmp_path: Path) -> None:
    for number in range(2_800):
        (tmp_path / f"{number:05}.env").write_text(env(KUCOIN) if number % 700 == 0 else "kucoin\n")
    looked: list[int] = []
    told = scan_files(paths_under(tmp_path), shown=below(tmp_path), progress=looked.append)
    paths = [one.path for one in told if not isinstance(one, Unreadable)]
    assert paths == sorted(paths)
    assert len(paths) == 12
    assert sum(looked) == 2_800
