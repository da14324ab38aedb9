"""Wires the management API beside the console, and those whom an exchange vouches for."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from keywright.api.answers import LABEL
from keywright.api.app import PREFIX, ManagementApi
from keywright.api.call import Office
from keywright.app.services import Services
from keywright.errors import Invalid, Unusable
from keywright.gateway.address import compile_networks
from keywright.identity.assertions import Issuer, read_keys
from keywright.settings import Settings

MOST_BYTES = 1 << 20


class Front:
    """One port, two applications: the management API under its path, pages for people everywhere else."""

    def __init__(self, console: Any, management: Any) -> None:
        self._console = console
        self._management = management

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Hand one request to whom it is for."""
        path = scope.get("path", "")
        is_management = path == PREFIX or path.startswith(f"{PREFIX}/")
        await (self._management if is_management else self._console)(scope, receive, send)


def management(services: Services, settings: Settings) -> ManagementApi:
    """Return the management API of one server."""
    return ManagementApi(
        Office(
            database=services.database,
            identity=services.identity,
            issuing=services.issuing,
            entrance=services.entrance,
            audit=services.audit,
            tokens=services.tokens,
            login=services.login,
            identities=services.own.identities,
            approvals=services.approvals,
            policies=services.policies,
            clock=services.clock,
            answers_key=services.keyring.derive(LABEL),
            networks=compile_networks(settings.trusted_proxies),
            is_https=settings.public_url.startswith("https://"),
        )
    )


def issuer_of(settings: Settings, *, origins: tuple[str, ...]) -> Issuer | None:
    """Return the exchange that brings its own login, or `None` where none is set.

    Raises `Unusable` when its keys can't be read, and `Invalid` when one can't be used.
    """
    if not settings.login_issuer:
        return None
    path = Path(settings.login_jwks_file)
    try:
        text = path.read_bytes()[:MOST_BYTES]
    except OSError as error:
        raise Unusable(
            f"the key set {path} can't be read: {error.strerror}", hint="login_jwks_file names a JSON Web Key Set"
        ) from None
    try:
        return Issuer(settings.login_issuer, read_keys(text), origins)
    except Invalid as wrong:
        raise Invalid(f"{path}: {wrong.message}", hint=wrong.hint, field="login_jwks_file") from None
