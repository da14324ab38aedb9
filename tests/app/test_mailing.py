"""Which settings make a courier, and which are refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keywright.app.mailing import check, way_of
from keywright.errors import KeywrightError
from keywright.settings import Settings


def kept(folder: Path, text: str, mode: int = 0o600) -> str:
    """Return the path of a file with this in it."""
    path = folder / "kept"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


SERVER: dict[str, Any] = {"smtp_host": "mail.example.org", "mail_from": "Keywright <keys@example.org>"}


@pytest.mark.parametrize(
    "given",
    [
        {"smtp_host": "mail.example.org"},
        {**SERVER, "mail_from": "not an address"},
        {**SERVER, "mail_from": "a@b\r\nBcc: eve@example.org"},
        {**SERVER, "smtp_security": "none"},
        {**SERVER, "smtp_user": "u"},
        {**SERVER, "smtp_user": "u", "smtp_password_file": "/nowhere/at/all"},
        {"smtp_user": "u"},
        {"chat_urls_file": "/nowhere/at/all"},
    ],
)
def test_settings_that_do_not_fit_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(KeywrightError):
        check(Settings(**given))


def test_a_password_is_never_sent_in_the_clear_not_even_here(tmp_path: Path) -> None:
    file = kept(tmp_path, "letter-by-letter-31\n")
    given: dict[str, Any] = {**SERVER, "smtp_host": "127.0.0.1", "smtp_security": "none"}
    check(Settings(**given))
    with pytest.raises(KeywrightError, match="in the clear"):
        check(Settings(**given, smtp_user="u", smtp_password_file=file))


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    given: dict[str, Any] = {**SERVER, "smtp_user": "u"}
    check(Settings(**given, smtp_password_file=kept(tmp_path, "letter-by-letter-31\n")))
    with pytest.raises(KeywrightError, match="others can read"):
        check(Settings(**given, smtp_password_file=kept(tmp_path, "letter-by-letter-31\n", 0o640)))


@pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise
def test_urls_of_chats_are_looked_at_and_never_repeated(tmp_path: Path) -> None:
    check(Settings(chat_urls_file=kept(tmp_path, "# ops\njson://localhost/hook-t0ken\n")))
    for text in ("", "# nothing\n", "json://localhost/hook-t0ken\nnonsense-t0ken\n"):
        with pytest.raises(KeywrightError) as problem:
            check(Settings(chat_urls_file=kept(tmp_path, text)))
        assert "t0ken" not in problem.value.message


def test_the_way_is_said_in_a_line(tmp_path: Path) -> None:
    assert way_of(Settings(data_dir=str(tmp_path))) == f"as files into {tmp_path}/outbox (no smtp_host is set)"
    assert way_of(Settings(**SERVER)) == "by mail through mail.example.org"
