from __future__ import annotations

import os
from pathlib import Path

import pytest

from keywright.errors import Unopenable, Unusable
from keywright.sealing.keyring import new_data_key, unwrap, wrap
from keywright.sealing.wrapping import create_wrapping_key, read_wrapping_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wrapping.key"


def test_a_new_key_is_its_owners_alone_and_reads_back(path: Path) -> None:
    before = os.umask(0)
    try:
        key = create_wrapping_key(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_wrapping_key(path) == key


def test_an_existing_key_is_never_overwritten(path: Path) -> None:
    key = create_wrapping_key(path)
    with pytest.raises(Unusable, match="can't be written"):
        create_wrapping_key(path)
    assert read_wrapping_key(path) == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o777])
def test_sto_14_a_key_that_others_can_reach_is_refused_with_the_command_that_mends_it(path: Path, mode: int) -> None:
    create_wrapping_key(path)
    path.chmod(mode)
    with pytest.raises(Unusable) as refused:
        read_wrapping_key(path)
    assert refused.value.hint == f"chmod 600 {path}"


def test_a_link_or_a_pipe_is_no_key(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    create_wrapping_key(real)
    path.symlink_to(real)
    with pytest.raises(Unusable):
        read_wrapping_key(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(Unusable, match="not a plain file"):
        read_wrapping_key(path)


@pytest.mark.parametrize("content", ["", "# only a comment\n", "bm90IDMyIGJ5dGVz\n", "!!!\n", "a\nb\n", "\xff"])
def test_sup_08_a_file_without_a_key_of_the_right_length_is_refused(path: Path, content: str) -> None:
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(Unusable, match="does not hold a wrapping key"):
        read_wrapping_key(path)


def test_a_wrapped_key_opens_only_with_its_wrapping_key_database_and_version(path: Path, tmp_path: Path) -> None:
    wrapping_key, data_key = create_wrapping_key(path), new_data_key()
    wrapped = wrap(data_key, wrapping_key=wrapping_key, database_id="db_1", version=1)
    assert unwrap(wrapped, wrapping_key=wrapping_key, database_id="db_1", version=1) == data_key
    other = create_wrapping_key(tmp_path / "other.key")
    for key, database_id, version in ((other, "db_1", 1), (wrapping_key, "db_2", 1), (wrapping_key, "db_1", 2)):
        with pytest.raises(Unopenable):
            unwrap(wrapped, wrapping_key=key, database_id=database_id, version=version)
