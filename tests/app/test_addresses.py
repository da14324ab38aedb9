"""A database's URL, from the settings or from a file that nobody else can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from keywright.app.addresses import address_of
from keywright.errors import Invalid, Unusable
from keywright.settings import Settings, read_settings

URL = "postgresql://kw:geheim@localhost/keys"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "database-url"
    path.touch(mode=0o600)
    path.write_text(f"{URL}\n")
    return path


def test_nothing_is_the_embedded_one() -> None:
    assert address_of(Settings()) is None


def test_a_file_says_the_same_as_the_variable(file: Path) -> None:
    environ = {"HOME": "/nonexistent"}
    by_variable, _ = read_settings({}, environ={**environ, "KEYWRIGHT_DATABASE_URL": URL})
    by_file, _ = read_settings({}, environ={**environ, "KEYWRIGHT_DATABASE_URL_FILE": str(file)})
    assert address_of(by_variable) == address_of(by_file)
    with pytest.raises(Invalid, match="both set"):
        read_settings({}, environ={**environ, "KEYWRIGHT_DATABASE_URL": URL, "KEYWRIGHT_DATABASE_URL_FILE": str(file)})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_sto_14_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(Unusable, match="others can read") as refused:
        address_of(Settings(database_url_file=str(file)))
    assert refused.value.hint == f"chmod 600 {file}"


@pytest.mark.parametrize("content", [b"", b"geheim", b"\xff\xfegeheim", b"postgresql://kw:ge/heim@localhost/keys"])
def test_leak_a_file_with_something_else_in_it_is_refused_without_being_quoted(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(Invalid) as refused:
        address_of(Settings(database_url_file=str(file)))
    assert "heim" not in refused.value.message + refused.value.hint


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Unusable, match="database_url_file"):
            address_of(Settings(database_url_file=str(path)))


def test_a_password_in_a_configuration_that_others_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toml = tmp_path / "keywright.toml"
    toml.write_text(f'database_url = "{URL}"\n')
    toml.chmod(0o644)
    with pytest.raises(Unusable, match="others can read") as refused:
        read_settings({}, environ={"HOME": "/nonexistent"})
    assert "geheim" not in str(refused.value)
    toml.chmod(0o600)
    assert read_settings({}, environ={"HOME": "/nonexistent"})[0].database_url
    toml.write_text('database_url = "postgresql://kw@localhost/keys"\n')
    toml.chmod(0o644)
    assert read_settings({}, environ={"HOME": "/nonexistent"})[0].database_url
