from __future__ import annotations

from pathlib import Path

import pytest

from keywright.errors import Invalid, Unusable
from keywright.setting_files import config_folder
from keywright.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home" / ".config" / "keywright").mkdir(parents=True)
    return {"HOME": str(tmp_path / "home")}


def _origin(name: str, *args: object, environ: dict[str, str]) -> tuple[object, str]:
    _, origins = read_settings(*(args or ({},)), environ=environ)  # type: ignore[arg-type]
    return next((origin.value, origin.origin) for origin in origins if origin.name == name)


def test_without_anything_the_defaults_stand(home: dict[str, str]) -> None:
    assert read_settings({}, environ=home)[0] == Settings()


def test_options_beat_the_environment_beats_the_project_beats_the_person(home: dict[str, str]) -> None:
    (Path(home["HOME"]) / ".config/keywright/keywright.toml").write_text(
        "gateway_port = 1\nfutures_port = 1\nconsole_port = 1\n"
    )
    assert _origin("gateway_port", environ=home)[0] == 1
    Path("keywright.toml").write_text("gateway_port = 2\nfutures_port = 2\n")
    assert _origin("gateway_port", environ=home) == (2, "keywright.toml")
    home["KEYWRIGHT_GATEWAY_PORT"] = "3"
    assert _origin("gateway_port", environ=home) == (3, "KEYWRIGHT_GATEWAY_PORT")
    assert _origin("gateway_port", {"gateway_port": 4}, environ=home) == (4, "--gateway-port")
    assert _origin("futures_port", environ=home)[0] == 2
    assert _origin("console_port", environ=home)[0] == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KEYWRIGHT_GATEWAY_PORT", "eighty"),
        ("KEYWRIGHT_GATEWAY_PORT", "65536"),
        ("KEYWRIGHT_GATEWAY_PORT", "-1"),
        ("KEYWRIGHT_CLOCK_WINDOW_MS", "4999"),
        ("KEYWRIGHT_CLOCK_WINDOW_MS", "30001"),
        ("KEYWRIGHT_ACCEPT_KEY_VERSION_1", "maybe"),
        ("KEYWRIGHT_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("KEYWRIGHT_PUBLIC_URL", "http://example.org"),
        ("KEYWRIGHT_FUTURES_UPSTREAM", "http://127.0.0.1:1"),
    ],
)
def test_a_value_that_can_not_be_taken_names_its_setting(home: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_settings({}, environ={**home, variable: value})
    assert refused.value.field == variable.removeprefix("KEYWRIGHT_").lower()


def test_a_misspelt_setting_is_refused_not_ignored(home: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="KEYWRIGHT_PORT"):
        read_settings({}, environ={**home, "KEYWRIGHT_PORT": "1"})
    Path("keywright.toml").write_text("gatewayport = 1\n")
    with pytest.raises(Invalid, match="gatewayport"):
        read_settings({}, environ=home)
    Path("keywright.toml").write_text("gateway_port = \n")
    with pytest.raises(Invalid, match="can't be read"):
        read_settings({}, environ=home)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "203.0.113.7", "example.org"])
def test_beyond_loopback_only_with_an_https_address(home: dict[str, str], host: str) -> None:
    with pytest.raises(Unusable, match="in the clear"):
        read_settings({"host": host}, environ=home)
    settings, _ = read_settings({"host": host, "public_url": "https://keys.example.org"}, environ=home)
    assert settings.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_loopback_needs_nothing(home: dict[str, str], host: str) -> None:
    assert read_settings({"host": host}, environ=home)[0].host == host


def test_lists_and_switches_are_read_from_text(home: dict[str, str]) -> None:
    environ = {**home, "KEYWRIGHT_TRUSTED_PROXIES": "10.0.0.0/24, 2001:db8::1", "KEYWRIGHT_ACCEPT_KEY_VERSION_1": "on"}
    settings, _ = read_settings({}, environ=environ)
    assert settings.trusted_proxies == ("10.0.0.0/24", "2001:db8::1/128")
    assert settings.accept_key_version_1 is True


def test_a_file_that_anybody_can_change_is_not_believed(home: dict[str, str]) -> None:
    Path("keywright.toml").write_text("gateway_port = 1\n")
    Path("keywright.toml").chmod(0o666)
    with pytest.raises(Unusable, match="others can change"):
        read_settings({}, environ=home)


def test_a_folder_of_the_xdg_specification_is_absolute_and_a_missing_home_is_looked_up(home: dict[str, str]) -> None:
    assert config_folder({**home, "XDG_CONFIG_HOME": "/x"}) == Path("/x/keywright")
    assert config_folder({**home, "XDG_CONFIG_HOME": "x"}) == Path(home["HOME"]) / ".config/keywright"
    assert config_folder({}).is_absolute()
    assert config_folder({}) != Path("/.config/keywright")


@pytest.mark.parametrize("url", ["nonsense", "https://h/path", "https://h?x", "ftp://h", "https://u:p@h"])
def test_what_is_printed_as_a_clients_base_url_is_one(home: dict[str, str], url: str) -> None:
    with pytest.raises(Invalid, match="gateway_public_url"):
        read_settings({}, environ={**home, "KEYWRIGHT_GATEWAY_PUBLIC_URL": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://keys.example.org/console",
        "https://keys.example.org:443",
        "https://KEYS.example.org",
        "https://ada@keys.example.org",
        "http://keys.example.org",
        "https://keys.example.org?x",
    ],
)
def test_where_people_reach_the_console_is_written_as_browsers_write_it(url: str, home: dict[str, str]) -> None:
    """A browser's Origin and Host have neither path nor default port: with one, every form would be refused."""
    with pytest.raises(Invalid, match="public_url is an https address"):
        read_settings({"public_url": url}, environ=home)


@pytest.mark.parametrize("name", ["kucoin_url", "binance_url", "bitfinex_url"])
def test_where_keys_are_sent_is_not_for_a_working_folder_to_say(
    home: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a bot's that somebody else wrote: what is cloned belongs to who cloned it."""
    line, mine = f'{name} = "https://exchange.example"\n', Path(home["HOME"]) / ".config/keywright/keywright.toml"
    mine.write_text(line)
    assert _origin(name, environ=home) == ("https://exchange.example", str(mine))
    Path("keywright.toml").write_text(line)
    with pytest.raises(Invalid, match=f"keywright.toml in the working folder sets {name}") as refused:
        read_settings({}, environ=home)
    assert str(mine) in refused.value.hint
    monkeypatch.chdir(mine.parent)
    assert _origin(name, environ=home)[0] == "https://exchange.example"
