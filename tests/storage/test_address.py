"""A URL of PostgreSQL taken apart: what it names is reached, its password never shown, and nothing is guessed."""

from __future__ import annotations

import pytest

from keywright.storage.address import Address, parse_address

PASSWORD = "p@ss/w:r#d%?"
QUOTED = "p%40ss%2Fw%3Ar%23d%25%3F"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://kw@localhost/keys", "postgresql://kw@localhost:5432/keys"),
        ("postgres://kw@127.0.0.1:5433/keys", "postgresql://kw@127.0.0.1:5433/keys"),
        ("postgresql+asyncpg://[::1]/keys", "postgresql://[::1]:5432/keys"),
        ("postgresql:///keys?host=/run/postgresql&port=5434", "postgresql:///run/postgresql:5434/keys"),
        (f"postgresql://kw:{QUOTED}@localhost/keys", "postgresql://kw:***@localhost:5432/keys"),
        (f"postgresql:///keys?user=kw&password={QUOTED}", "postgresql://kw:***@(local socket):5432/keys"),
        ("postgresql://kw@db.example.org/keys?sslmode=verify-full", "postgresql://kw@db.example.org:5432/keys"),
    ],
)
def test_what_is_shown_names_the_place_and_no_password(url: str, shown: str) -> None:
    address = parse_address(url)
    assert str(address) == shown
    for text in (str(address), repr(address), f"{address}", address.place):
        assert PASSWORD not in text
        assert QUOTED not in text


@pytest.mark.parametrize(
    "url",
    [f"postgresql://kw:{QUOTED}@localhost:5433/keys", f"postgresql://localhost:5433/keys?user=kw&password={QUOTED}"],
)
def test_the_driver_and_the_programs_get_the_password_as_it_is(url: str) -> None:
    address = parse_address(url)
    assert address.arguments() == {
        "host": "localhost",
        "port": 5433,
        "user": "kw",
        "password": PASSWORD,
        "database": "keys",
    }
    assert address.environment() == {
        "PGHOST": "localhost",
        "PGPORT": "5433",
        "PGUSER": "kw",
        "PGPASSWORD": PASSWORD,
        "PGDATABASE": "keys",
    }


def test_what_protects_the_connection_reaches_both() -> None:
    address = parse_address("postgresql://kw@db.example.org/keys?sslmode=verify-full&sslrootcert=/etc/ca.pem")
    assert address.arguments()["dsn"] == "postgresql:///?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"
    assert address.environment()["PGSSLMODE"] == "verify-full"
    assert address.environment()["PGSSLROOTCERT"] == "/etc/ca.pem"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://kw:geheim@localhost/keys",
        "postgresql://kw:geheim@localhost",
        "postgresql://kw:geheim@localhost/",
        "postgresql://kw:ge/heim@localhost/keys",
        "postgresql://kw:ge#heim@localhost/keys",
        "postgresql://kw:geheim@localhost:notaport/keys",
        "postgresql://kw:geheim@localhost:99999/keys",
        "postgresql://kw:geheim@one:1,two:2/keys",
        "postgresql://kw:geheim@localhost/keys?options=-csynchronous_commit%3Doff",
        "postgresql://kw:geheim@localhost/keys?port=geheim",
        "postgresql://kw:geheim@localhost/keys?geheim",
        "postgresql://kw:geheim%00@localhost/keys",
        "postgresql://kw:geheim@db.example.org/keys",
        "postgresql://[geheim@localhost/keys",
        7,
        None,
    ],
)
def test_what_is_no_such_url_is_refused_without_being_quoted(url: object) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        parse_address(url)
    assert "heim" not in str(refused.value)


def test_an_address_stays_itself() -> None:
    address = Address("localhost", 5432, "keys", "kw")
    assert parse_address(address) is address
