"""Settings: one frozen object, read once, handed down. Nothing below looks a setting up.

Each is found, first wins: command-line option · `KEYWRIGHT_…` in the environment · `keywright.toml` in the working folder
· `keywright.toml` in the configuration folder · its default. `keywright settings` shows each with its origin, and
docs/reference/settings.md lists them; a test compares.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from keywright.errors import Invalid, Unusable
from keywright.setting_files import check_private, config_folder, read_toml, require_own_destinations
from keywright.setting_values import (
    CONSOLE_URL,
    LOGIN_URL,
    PUBLIC_URL,
    blocks as _blocks,
    hours as _hours,
    is_loopback,
    number as _number,
    one_of as _one_of,
    service_url as _service_url,
    switch as _switch,
    text as _text,
)
from keywright.storage.address import Address, parse_address


def _setting(default: Any, parse: Callable[[object], Any], about: str) -> Any:
    return field(default=default, metadata={"parse": parse, "about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator may set. Field names are those of `keywright.toml`."""

    data_dir: str = _setting(
        "", _text, "Folder of the database; when set, the wrapping key goes into its subfolder `config`."
    )
    database_url: Address | None = _setting(  # noqa: RUF009
        None,
        parse_address,
        "PostgreSQL in place of the embedded database. With a password in it, never an option: others see those.",
    )
    database_url_file: str = _setting(
        "", _text, "File, its owner's alone (0600), whose one line is what `database_url` would be."
    )
    host: str = _setting("127.0.0.1", _text, "Address to listen at. Beyond loopback only with an https `public_url`.")
    console_port: int = _setting(8400, _number(0, 65535), "Port of the console; 0 picks a free one.")
    gateway_port: int = _setting(8401, _number(0, 65535), "Port of the spot gateway; 0 picks a free one.")
    futures_port: int = _setting(8402, _number(0, 65535), "Port of the futures gateway; 0 picks a free one.")
    public_url: str = _setting(
        "", _text, "Where people reach the console, https://…; needed to listen beyond loopback."
    )
    gateway_public_url: str = _setting("", _text, "Where clients reach the spot gateway, if not at its own address.")
    futures_public_url: str = _setting("", _text, "Where clients reach the futures gateway, if not at its own address.")
    upstream: str = _setting("", _text, "URL of the service behind the gateway; empty: the sandbox, in process.")
    futures_upstream: str = _setting("", _text, "URL of the futures service; empty: the same as `upstream`.")
    sign_up: str = _setting(
        "auto",
        _one_of("auto", "open", "closed"),
        "Who may make accounts at the console: auto is open in the sandbox only. Operators may decide otherwise.",
    )
    captcha: str = _setting(
        "auto",
        _one_of("auto", "on", "off"),
        "Whether making a key or an account at the console takes a captcha; auto: not in a sandbox for oneself, "
        "that is in the profile personal, whoever decided it.",
    )
    profile: str = _setting(
        "personal",
        _one_of("personal", "platform", "exchange"),
        "What an account needs before its first key: personal a second factor; platform a trading password too; exchange "
        "also a verified identity and a whitelist of withdrawal addresses. Operators may decide otherwise.",
    )
    development_pages: bool = _setting(
        False, _switch, "Serve /development, which shows every component of the console."
    )
    header_prefix: str = _setting("KC-API-", _text, "What the names of the authentication headers begin with.")
    accept_key_version_1: bool = _setting(
        False, _switch, "Take passphrases in clear (python-kucoin). Weaker: off unless needed."
    )
    clock_window_ms: int = _setting(
        30_000, _number(5_000, 30_000), "How far a request's time may be from ours, either way."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), _blocks, "Addresses or CIDR blocks whose X-Forwarded-For is believed."
    )
    address_requests: int = _setting(
        6_000, _number(1, 10_000_000), "Requests that one address may make in 30 s, whatever it asks."
    )
    usage_days: int = _setting(90, _number(1, 3_650), "Days that usage records are kept.")
    audit_checkpoint_minutes: int = _setting(
        60, _number(0, 10_080), "Minutes between signed checkpoints of the audit log, where it grew; 0: none are made."
    )
    audit_checkpoint_dir: str = _setting(
        "", _text, "Folder of the checkpoints, best on another disk; empty: `checkpoints` in the data folder."
    )
    smtp_host: str = _setting(
        "", _text, "Mail server for notices; empty: they become files in `outbox` in the data folder."
    )
    smtp_port: int = _setting(587, _number(1, 65535), "Its port: 587 for starttls, 465 for tls.")
    smtp_security: str = _setting(
        "starttls", _one_of("starttls", "tls", "none"), "How mail is protected on its way; none for loopback only."
    )
    smtp_user: str = _setting("", _text, "Who signs in at the mail server; empty: nobody does.")
    smtp_password_file: str = _setting("", _text, "File with the password for it, its owner's alone (mode 0600).")
    mail_from: str = _setting("", _text, "Whom notices come from, for instance Keywright <keys@example.org>.")
    chat_urls_file: str = _setting(
        "", _text, "File of Apprise URLs, one a line, its owner's alone: chats that hear of the gravest notices."
    )
    sms_urls_file: str = _setting(
        "", _text, "File of Apprise URLs with {number} in each, its owner's alone: gateways that text codes to phones."
    )
    keys_per_account: int = _setting(
        5,
        _number(1, 1_000),
        "Keys an account may have; disabled ones count, deleted ones don't. Operators may decide otherwise.",
    )
    sub_accounts_per_account: int = _setting(
        5, _number(0, 1_000), "Sub-accounts an account may have. Operators may decide otherwise."
    )
    key_lifetime_days: int = _setting(
        90,
        _number(1, 3_650),
        "Days until a key that trades without an address list expires. Operators may decide otherwise.",
    )
    expired_grace_hours: int = _setting(
        24, _number(0, 8_760), "Hours for which an expired key may still read and cancel orders; 0: none."
    )
    disable_idle_days: int = _setting(
        0,
        _number(0, 3_650),
        "Days without use after which a key is switched off; 0: keys are only flagged. Operators may decide otherwise.",
    )

    whitelist_hold_hours: int | str = _setting(
        "auto",
        _hours,
        "Hours until money may go to a new withdrawal address, and until the list is off that was switched off: auto is 24, "
        "in the sandbox 0. Operators may decide otherwise.",
    )
    withdrawal_rest_hours: int | str = _setting(
        "auto",
        _hours,
        "Hours for which no withdrawal goes out after a second factor or a password was changed, or a recovery code used: "
        "auto is 24, in the sandbox 0.",
    )
    approval_minutes: int = _setting(
        60, _number(1, 1_440), "Minutes that an owner has to confirm a withdrawal from the sandbox."
    )
    kucoin_url: str = _setting("", _service_url, "Where KuCoin is asked about held keys; empty: at its own address.")
    binance_url: str = _setting("", _service_url, "Where Binance is asked; empty: at its own address.")
    bitfinex_url: str = _setting("", _service_url, "Where Bitfinex is asked; empty: at its own address.")
    connections_per_account: int = _setting(
        20,
        _number(0, 1_000),
        "Connections to exchanges that an account may have; 0: none can be made. Operators may decide otherwise.",
    )
    login_issuer: str = _setting(
        "", _text, "`iss` of the assertions by which an exchange vouches for its users; empty: nobody vouches."
    )
    login_jwks_file: str = _setting("", _text, "File of the exchange's public keys, a JSON Web Key Set.")
    login_url: str = _setting("", _text, "Page of the exchange that signs its users in, https://…; empty: none does.")

    @property
    def hold_hours(self) -> int:
        """How many hours a new withdrawal address waits."""
        return self._hours_of(self.whitelist_hold_hours)

    @property
    def rest_hours(self) -> int:
        """How many hours withdrawals rest after a change of who confirms them."""
        return self._hours_of(self.withdrawal_rest_hours)

    def _hours_of(self, hours: int | str) -> int:
        return hours if isinstance(hours, int) else 0 if self.is_sandbox else 24

    @property
    def sign_up_is_open(self) -> bool:
        """Tell whether anyone who reaches the console may make an account."""
        return self.sign_up == "open" or (self.sign_up == "auto" and self.is_sandbox)

    @property
    def is_sandbox(self) -> bool:
        """Tell whether the sandbox stands behind the gateway."""
        return not self.upstream


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting's value and where it came from."""

    name: str
    value: Any
    origin: str
    about: str


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"KEYWRIGHT_{name.upper()}"


def read_settings(
    options: Mapping[str, Any], *, environ: Mapping[str, str] | None = None
) -> tuple[Settings, list[Origin]]:
    """Return the settings and where each came from. `options` are the command line's, absent or `None` if not given.

    Raises `Invalid` naming the setting that can't be taken and where it stands, and for names that are no settings.
    """
    environ = os.environ if environ is None else environ
    files = [
        (str(path), read_toml(path)) for path in (Path("keywright.toml"), config_folder(environ) / "keywright.toml")
    ]
    known = {setting.name for setting in fields(Settings)}
    for path, content in files:
        for name in content.keys() - known:
            raise Invalid(f"{path} sets {name!r}, which is no setting", hint=_near(name, known))
    require_own_destinations(*files)
    for word in environ:
        if word.startswith("KEYWRIGHT_") and word not in {variable(name) for name in known} | OTHER_VARIABLES:
            raise Invalid(f"{word} is no setting", hint=_near(word, {variable(name) for name in known}))
    origins = []
    for setting in fields(Settings):
        value, origin = _first(setting.name, setting.default, options, environ, files)
        if origin != "default":
            try:
                value = setting.metadata["parse"](value)
            except ValueError as error:
                raise Invalid(f"{setting.name} ({origin}): {error}", field=setting.name) from None
        if isinstance(value, Address) and value.password and origin in dict(files):
            check_private(Path(origin))
        origins.append(Origin(setting.name, value, origin, setting.metadata["about"]))
    settings = Settings(**{origin.name: origin.value for origin in origins})
    _check(settings)
    return settings, origins


OTHER_VARIABLES = {"KEYWRIGHT_DEBUG", "KEYWRIGHT_PURE", "KEYWRIGHT_CONNECTION"}


def _first(
    name: str,
    default: object,
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    files: list[tuple[str, dict[str, Any]]],
) -> tuple[Any, str]:
    if options.get(name) is not None:
        return options[name], f"--{name.replace('_', '-')}"
    if environ.get(variable(name)):  # set to nothing is not set
        return environ[variable(name)], variable(name)
    for path, content in files:
        if name in content:
            return content[name], path
    return default, "default"


def _near(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else "docs/reference/settings.md lists them all"


def _check(settings: Settings) -> None:
    if settings.public_url and not CONSOLE_URL.fullmatch(settings.public_url):
        raise Invalid(
            "public_url is an https address without a path",
            hint="write it as browsers show it: https://keys.example.org, with a port only if it is not 443",
            field="public_url",
        )
    if not is_loopback(settings.host) and not settings.public_url:
        raise Unusable(
            f"listening at {settings.host} would send secrets over the network in the clear",
            hint="put TLS in front and set public_url to its https address, or listen at 127.0.0.1",
        )
    for name in ("gateway_public_url", "futures_public_url"):
        if getattr(settings, name) and not PUBLIC_URL.fullmatch(getattr(settings, name)):
            raise Invalid(f"{name} is no URL", hint="write it like https://api.example.org, without a path", field=name)
    if settings.database_url and settings.database_url_file:
        raise Invalid("database_url and database_url_file are both set", hint="one is enough", field="database_url")
    if settings.futures_upstream and not settings.upstream:
        raise Invalid("futures_upstream needs upstream", field="futures_upstream")
    if bool(settings.login_issuer) != bool(settings.login_jwks_file):
        raise Invalid("login_issuer and login_jwks_file need each other", field="login_issuer")
    if settings.login_url and not (settings.login_issuer and LOGIN_URL.fullmatch(settings.login_url)):
        raise Invalid(
            "login_url is an https address, beside login_issuer", hint="https://…, without ? and #", field="login_url"
        )
