"""Which settings make a courier, and which are refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keywright.app.mailing import check, send_test, way_of
from keywright.errors import KeywrightError
from keywright.settings import Settings
from tests.support.room import open_room


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
        {"sms_urls_file": "/nowhere/at/all"},
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


@pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise
def test_urls_of_gateways_say_where_the_number_goes(tmp_path: Path) -> None:
    twilio = "twilio://AC735c307c62944b5a39ab3ab8b6c2a5d1:0123456789abcdef0123456789abcdef@+14155552671/{number}"
    check(Settings(sms_urls_file=kept(tmp_path, f"# first\n{twilio}\njson://localhost/t0ken?:to={{number}}\n")))
    for text in ("", "json://localhost/hook-t0ken\n", f"{twilio}\nnonsense-t0ken{{number}}\n"):
        with pytest.raises(KeywrightError, match="no Apprise URL") as problem:
            check(Settings(sms_urls_file=kept(tmp_path, text)))
        assert "t0ken" not in problem.value.message
    with pytest.raises(KeywrightError, match="others can read"):
        check(Settings(sms_urls_file=kept(tmp_path, twilio, 0o644)))


@pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise
async def test_a_test_message_goes_to_a_phone_too(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    with pytest.raises(KeywrightError, match="sms_urls_file"):
        await send_test(settings, recipient="ada@example.org", phone="+4915112345678")
    with open_room() as room:
        file = kept(tmp_path, room.sms_url.reveal_text())
        settings = Settings(data_dir=str(tmp_path / "data"), sms_urls_file=file)
        await send_test(settings, recipient="ada@example.org", phone="0049 1511 2345678")
    (said,) = room.said
    assert (said["to"], "This is a test" in said["message"]) == ("+4915112345678", True)


def test_the_way_is_said_in_a_line(tmp_path: Path) -> None:
    assert way_of(Settings(data_dir=str(tmp_path))) == f"as files into {tmp_path}/outbox (no smtp_host is set)"
    assert way_of(Settings(**SERVER)) == "by mail through mail.example.org"
