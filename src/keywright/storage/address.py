"""Where a PostgreSQL database is: its URL taken apart, so that the password never shows. Imports no driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from keywright.secret import Secret

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
FORM = "takes a URL like postgresql://keywright@db.example.org:5432/keywright?sslmode=verify-full"
PORT = 5432

LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
}
"""What may stand after the `?`, and the variable by which PostgreSQL's own programs know it."""

LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Address:
    """One PostgreSQL database, and as whom to connect to it. As text it has no password."""

    host: str
    """A name, an address or the folder of a socket; empty: where PostgreSQL's own programs would look."""
    port: int
    database: str
    user: str
    """Empty: the name of the system's user."""
    password: Secret | None = field(default=None, repr=False)
    options: tuple[tuple[str, str], ...] = ()
    """What else stood after the `?`."""

    def __str__(self) -> str:
        """Return the URL as it may be shown."""
        who = (f"{self.user}:***" if self.password else self.user) + "@" if self.user or self.password else ""
        return f"postgresql://{who}{self.place}"

    @property
    def place(self) -> str:
        """Return host, port and database, for sentences."""
        host = f"[{self.host}]" if ":" in self.host else self.host or "(local socket)"
        return f"{host}:{self.port}/{self.database}"

    def arguments(self) -> dict[str, Any]:
        """Return what the driver is called with, the password among it. What is missing it finds as `psql` does."""
        given = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password.reveal_text() if self.password else "",
            "dsn": f"postgresql:///?{urlencode(self.options)}" if self.options else "",  # it takes TLS in a URL only
            "database": self.database,
        }
        return {name: value for name, value in given.items() if value}

    def environment(self) -> dict[str, str]:
        """Return the variables by which PostgreSQL's own programs find it: arguments could be seen by others."""
        known = {"host": self.host, "port": str(self.port), "user": self.user, **dict(self.options)}
        found = {LIBPQ[name]: value for name, value in known.items() if value}
        if self.password:
            found["PGPASSWORD"] = self.password.reveal_text()
        return {**found, "PGDATABASE": self.database}


def parse_address(value: object) -> Address:
    """Return where a URL leads. Raises `ValueError`, which never quotes what was given: it may hold a password."""
    if isinstance(value, Address):
        return value
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(f"{FORM}; are / : @ # ? and % in the password written as %2F and so on?") from None
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in SCHEMES or parts.fragment or not database or "/" in database:
        raise ValueError(FORM)
    unknown = sorted(query.keys() - LIBPQ.keys() - {"password"})
    if unknown:
        raise ValueError(f"knows no {', '.join(unknown)} after the ?: only {', '.join((*LIBPQ, 'password'))}")
    host = query.pop("host", unquote(host))
    said_port = query.pop("port", str(port or PORT))
    user = query.pop("user", unquote(parts.username or ""))
    password = query.pop("password", unquote(parts.password or ""))
    if not said_port.isdecimal() or not 0 < int(said_port) < 65536 or "\0" in f"{host}{user}{password}{database}":
        raise ValueError(FORM)
    if host and not host.startswith("/") and host not in LOCAL and "sslmode" not in query:
        raise ValueError(
            "leads to another machine, so it has to say how the connection is protected: "
            "?sslmode=verify-full&sslrootcert=FILE, or sslmode=disable in a network that nobody else can reach"
        )
    return Address(host, int(said_port), database, user, Secret(password) if password else None, tuple(query.items()))
