"""AUD: the audit log attacked. Rows of the catalogue by id.

AUD-06 and AUD-10 are in tests/audit/test_log.py, AUD-02 for each verb in tests/faults/test_audit_fails.py; of AUD-12 the
times and the memory were measured once, with a million events (docs/decisions/0019).
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import sqlite3
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import click
import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from keywright.app.services import Services
from keywright.audit import chain
from keywright.audit.checkpoint import CheckpointKey, Statement, in_order
from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.audit.offline import verify_export
from keywright.cli.main import cli
from keywright.errors import Unusable
from keywright.identity.model import FactorProof
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.tables import audit_events, audit_head
from keywright.storage.transaction import Database
from keywright.web import pages
from tests.cli.conftest import Said, Terminal
from tests.faults.test_audit_fails import NO_AUDIT
from tests.support import killable
from tests.support.audit import GUARDS, checkpoints_in, drop_guards, exported, happen
from tests.support.clock import T0
from tests.support.household import FORMS, FROM_ELSEWHERE, Household, csrf_of
from tests.support.passkey import SoftPasskey
from tests.support.visitor import ORIGIN, SECRET, Caller, everything
from tests.support.withdrawing import waiting_in

ROOT = Path(__file__).parents[2]
API_SECRET = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")


# ── AUD-01 and AUD-03: what changes state leaves its event, and what does not is published

OWN = {"audit_events", "audit_head", "change_sequence"}


def posts() -> list[str]:
    """Return every route of the console that takes a form of ours, read from the pages themselves.

    What an exchange posts wants an exchange: tests/web/test_pages_vouched.py looks at its events.
    """
    modules = (import_module(f"{pages.__name__}.{found.name}") for found in iter_modules(pages.__path__))
    found = {one.path for module in modules for one in getattr(module, "PAGES", ()) if one.method == "POST"}
    return sorted(found - FROM_ELSEWHERE)


def commands() -> set[str]:
    """Return every command, as it is typed."""
    found: set[str] = set()
    waiting: list[tuple[tuple[str, ...], click.Command]] = [((), cli)]
    while waiting:
        path, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [((*path, name), part) for name, part in command.commands.items()]
        else:
            found.add(" ".join(path))
    return found


def published() -> set[str]:
    """Return what docs/operations.md says leaves no event."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = page.partition("### What leaves no event")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


async def _stranger(home: Household) -> Caller:
    caller = Caller(home.console, home.ada.clock, address="192.0.2.77", email=home.ada.email)
    await caller.get("/sign-in")
    return caller


async def _half_in(home: Household) -> Caller:
    caller = await _stranger(home)
    await caller.post("/sign-in", follow=True, **FORMS["/sign-in"])
    return caller


async def _enrolling(home: Household) -> tuple[Caller, dict[str, str]]:
    await home.ada.get("/security/authenticator")
    await home.ada.post("/security/authenticator/start")
    found = SECRET.search(home.ada.text)
    assert found
    home.ada.totp_secret, home.ada.used_step = found[1], 0
    return home.ada, {"code": home.ada.code()}


async def _frozen(home: Household) -> tuple[Caller, dict[str, str]]:
    await home.ada.get("/security")
    await home.ada.post("/security/freeze")
    return home.ada, {}


async def _mailed(home: Household) -> tuple[Caller, dict[str, str]]:
    async with home.services.database.write() as tx:
        codes = home.services.own.codes
        code = await codes.make(tx, home.account_id, "email", context=home.ada.email, now=home.ada.clock())
    return home.ada, {"code": code.reveal_text()}


async def _coded(home: Household, purpose: str, context: str) -> str:
    async with home.services.database.write() as tx:
        codes = home.services.own.codes
        return (await codes.make(tx, home.account_id, purpose, context=context, now=home.ada.clock())).reveal_text()


async def _with_phone(home: Household) -> None:
    code = await _coded(home, "phone", "+4915112345678")
    await home.ada.get("/security/phone")
    await home.ada.post("/security/phone", phone="+4915112345678", sms_code=code)


async def _new_link(home: Household) -> tuple[Caller, dict[str, str]]:
    async with home.services.database.write() as tx:
        code = await home.services.entrance.operators.new_code(tx, now=home.ada.clock())
    return home.bob, {"code": code.reveal_text()}


async def _link(home: Household) -> str:
    async with home.services.database.read() as tx:
        (newest, *_) = await home.services.notices.of(tx, home.account_id)
    return home.services.notices.freeze_url(newest, origin="").partition("?t=")[2]


async def _identify(home: Household) -> None:
    """Let Bob say who he is."""
    bob, now = home.bobs_account_id, home.bob.clock()
    async with home.services.database.write() as tx:
        await home.services.own.identities.submit_identity(
            tx,
            bob,
            name="Bob",
            country="GB",
            document="passport",
            last_digits="1815",
            proof=FactorProof(bob, "totp", now),
            actor=Actor(bob),
            now=now,
        )


async def _given(home: Household, pattern: str) -> tuple[Caller, dict[str, str]]:
    """Return who sends a form, and what beside its usual content, so that it does what it is for."""
    match pattern:
        case "/sign-up" | "/sign-in" | "/switch-off":
            return await _stranger(home), {}
        case "/sign-in/code":
            return await _half_in(home), {"code": home.ada.code()}
        case "/sign-in/recovery":
            return await _half_in(home), {"code": home.recovery_codes[0]}
        case "/step-up":
            return home.ada, {"code": home.ada.code()}
        case "/security/authenticator/confirm":
            return await _enrolling(home)
        case "/security/passkeys/new":
            return home.ada, await home.another_passkey(SoftPasskey())
        case "/security/unfreeze":
            return await _frozen(home)
        case "/sub-accounts/{sub_id:row}/unfreeze":
            await home.ada.get("/sub-accounts")
            await home.ada.post(f"/sub-accounts/{home.sub_account_id}/freeze")
            return home.ada, {}
        case "/notices/freeze":
            return await _stranger(home), {"t": await _link(home)}
        case "/api-management/{key_id:key}/discard":
            await home.ada.get("/api-management/new")
            await home.ada.post("/api-management/create", **FORMS["/api-management/create"])
            return home.ada, {}
        case "/security/email":
            return await _mailed(home)
        case "/security/phone":
            return home.ada, {"sms_code": await _coded(home, "phone", "+4915112345678")}
        case "/security/phone/choice-code" | "/security/phone/choose-mail" | "/security/phone/remove":
            await _with_phone(home)
            return home.ada, {}
        case "/security/phone/choose-phone":
            await _with_phone(home)
            return home.ada, {"mail_code": await _coded(home, "phone.choice", "+4915112345678")}
        case "/operator/claim":
            return await _new_link(home)
        case "/operator/accounts/{account_id:row}/identity":
            await _identify(home)
            return home.ada, {}
        case "/operator/permissions/lift":
            await home.ada.get("/operator/permissions")
            await home.ada.post("/operator/permissions/freeze", permission="trade")
            return home.ada, {}
        case (
            "/exchanges/{connection_id:row}/switch"
            | "/exchanges/{connection_id:row}/finish"
            | "/exchanges/{connection_id:row}/roll-back"
        ):
            here = f"/exchanges/{home.connection_id}"
            await home.ada.get(here)
            await home.ada.post(f"{here}/rotate", **FORMS["/exchanges/{connection_id:row}/rotate"], follow=True)
            if pattern.endswith("/finish"):
                await home.ada.post(f"{here}/switch")
            return home.ada, {}
        case "/security/withdrawal-addresses/switch-off":
            await home.ada.get("/security/withdrawal-addresses")
            await home.ada.post("/security/withdrawal-addresses/switch-on")
            return home.ada, {}
        case "/approvals/{approval_id:row}/confirm":
            await home.ada.get("/approvals")
            shown = re.search(r'name="digest" value="([0-9a-f]{64})"', home.ada.text)
            assert shown
            return home.ada, {"code": home.ada.code(), "digest": shown[1]}
        case _:
            return home.ada, {}


def _key_for(home: Household, pattern: str) -> str:
    """Return the key that a form does something to; nothing for the one that works."""
    if pattern.endswith("/discard"):
        waits = re.search(r"/api-management/([0-9a-f]{24})/acknowledge", home.ada.text)
        assert waits
        return waits[1]
    return home.off if pattern.endswith(("/enable", "/delete")) else ""


@pytest.mark.parametrize("pattern", posts())
async def test_aud_01_03_a_form_leaves_its_event_or_is_published(home: Household, pattern: str) -> None:
    """With it: who, proved by what, from where, with what program, in which session and request."""
    caller, fields = await _given(home, pattern)
    key = _key_for(home, pattern)
    await caller.get("/security")  # seen: the clock stands from here on
    before = await everything(home.services)
    path = home.path(pattern, key=key)
    form = {**FORMS[pattern], **fields, "csrf": csrf_of(home, caller.token)}
    answer = await caller.send("POST", path, form, origin=ORIGIN, sec_fetch_site="same-origin")
    assert answer.status_code in {200, 303}, answer.text
    after = await everything(home.services)
    changed = {name for name in before.keys() - OWN if before[name] != after[name]}
    async with home.services.database.read() as tx:
        new = await home.services.audit.list(tx, limit=len(after["audit_events"]) - len(before["audit_events"]) or 1)
    recorded = len(after["audit_events"]) > len(before["audit_events"])
    assert (bool(changed) and not recorded) == (pattern in published()), (pattern, changed)
    for event in new if recorded else ():
        origin = json.loads(event.origin)
        assert origin["address"] == caller.address
        assert origin["agent"] == "Mozilla/5.0 Firefox/140.0"
        assert origin["request_id"]
        by = "notice-link" if pattern == "/notices/freeze" else event.account_id
        assert event.actor == by or pattern.startswith("/operator/")
        if pattern not in {"/sign-up", "/switch-off", "/notices/freeze"}:  # nobody has a session there
            assert origin["session"], event.kind
            assert origin["factor"], event.kind


READING = {
    "accounts list": "",
    "accounts show": "ada@example.org",
    "approvals list": "",
    "keys list": "",
    "keys show": "{key}",
    "keys usage": "{key}",
    "operator policy show": "",
    "operator token list": "",
    "sub-accounts list": "--account ada@example.org",
    "notices list": "ada@example.org",
    "audit list": "",
    "audit key": "",
    "audit export": "",
    "audit verify": "",
    "database check": "",
    "settings": "",
}
"""Commands that change nothing, and what is typed after them."""
ELSEWHERE = {
    "scan": "changes nothing but the file it is told to write: tests/scan",
    "exec": "is about the personal vault: tests/cli/test_exec.py looks at its event",
    "adopt": "is about the personal vault, by its own verbs: tests/cli/test_vault_rotation.py",
    "posture": "changes nothing but the file it is told to write: tests/cli/test_vault_rotation.py",
    "vault rotate": "is about a database of its own: tests/vault/test_rotating.py and test_renewing.py look at its events",
    "vault diagnose": "asks an exchange, and changes nothing: tests/cli",
    "serve": "runs until it is stopped; what it does at its start are verbs of others",
    "demo": "wants a running server; what it does are verbs of others: tests/app",
    "database backup": "writes a file, and nothing in the database: tests/cli",
    "database upgrade": "makes the schema and the keyring, or brings them up to date: tests/cli",
    "explain": "looks at no database",
    "audit verify-export": "looks at no database",
    "notices send-test": "looks at no database: it sends past the outbox",
    **dict.fromkeys(
        ("vault init", "vault passphrase", "vault protect", "vault unprotect", "vault accept", "vault restore"),
        "is about a database of its own: tests/app/test_personal_vault.py and test_vault_backup.py look at its events",
    ),
    **dict.fromkeys(
        ("vault add", "vault check", "vault edit", "vault remove", "vault list", "vault show"),
        "is about a database of its own, or asks an exchange: tests/cli/test_vault_connections.py looks at its events",
    ),
    **dict.fromkeys([f"vault egress {verb}" for verb in ("add", "check", "list", "remove", "share")], "the same"),
    **dict.fromkeys(
        ("vault unlock", "vault lock", "vault status", "vault agent", "vault backup"),
        "changes no database: tests/cli/test_vault.py",
    ),
}


def writing(typed: Terminal, on: str, off: str) -> dict[str, Callable[[], Said]]:
    """Return how each command that changes something is typed so that it does."""
    return {
        "accounts create": lambda: typed("accounts create bob@example.org", "nine-boats-at-anchor"),
        "accounts freeze": lambda: typed("accounts freeze ada@example.org"),
        "accounts set-password": lambda: typed(
            "accounts set-password ada@example.org", "four-otters-in-amber", typed.code()
        ),
        "accounts unfreeze": lambda: typed("accounts unfreeze ada@example.org", typed.code()),
        "approvals confirm": lambda: typed(
            f"approvals confirm {waiting_in(typed.folder, typed.clock)} --account ada@example.org", typed.code()
        ),
        "approvals refuse": lambda: typed(
            f"approvals refuse {waiting_in(typed.folder, typed.clock, 'w2')} --account ada@example.org"
        ),
        "keys create": lambda: typed("keys create third --account ada@example.org", "Sloop-ahead-41-Z", typed.code()),
        "keys disable": lambda: typed(f"keys disable {on} --account ada@example.org"),
        "keys enable": lambda: typed(f"keys enable {on} --account ada@example.org", typed.code()),
        "keys edit": lambda: typed(f"keys edit {on} --name other --account ada@example.org"),
        "keys passphrase": lambda: typed(
            f"keys passphrase {on} --account ada@example.org", "Tide-wharf-29-Q", "Kelp-under-52-V", typed.code()
        ),
        "keys rotate": lambda: typed(f"keys rotate {on} --account ada@example.org", "Moor-chain-83-W", typed.code()),
        "keys delete": lambda: typed(f"keys delete {off} --account ada@example.org", typed.code()),
        "sub-accounts create": lambda: typed("sub-accounts create trading1 --account ada@example.org", typed.code()),
        "sub-accounts freeze": lambda: typed("sub-accounts freeze trading1 --account ada@example.org"),
        "sub-accounts unfreeze": lambda: typed(
            "sub-accounts unfreeze trading1 --account ada@example.org", typed.code()
        ),
        "operator link": lambda: typed("operator link"),
        "operator freeze-permission": lambda: typed("operator freeze-permission trade"),
        "operator unfreeze-permission": lambda: typed(
            "operator unfreeze-permission trade --account ada@example.org", typed.code()
        ),
        "operator policy set": lambda: typed(
            "operator policy set keys_per_account=9 --account ada@example.org", typed.code()
        ),
        "operator policy reset": lambda: typed(
            "operator policy reset keys_per_account --account ada@example.org", typed.code()
        ),
        "operator token create": lambda: typed("operator token create t --scope keys:read --any-address"),
        "operator token disable": lambda: typed(
            f"operator token disable {typed('operator token list --json').json['tokens'][0]['id']}"
        ),
        "audit checkpoint": lambda: typed("audit checkpoint"),
    }


def test_aud_03_a_command_leaves_its_event_or_is_published(ada: Terminal) -> None:
    def rows() -> dict[str, list[Any]]:
        with closing(sqlite3.connect(ada.folder / "keywright.db")) as database:
            names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"'))) for name in names}

    def key(name: str, passphrase: str) -> str:
        made = ada(f"keys create {name} --json", passphrase, ada.code())
        assert made.code == 0, made.err
        return str(made.json["id"])

    on, off = key("on", "Tide-wharf-29-Q"), key("off", "Quiet-Harbour-77")
    assert ada(f"keys disable {off}").code == 0
    ada.make_operator("ada@example.org")
    changing = writing(ada, on, off)
    assert commands() == READING.keys() | ELSEWHERE.keys() | changing.keys(), "a new command needs its row here"
    for name, given in READING.items():
        before = rows()
        assert ada(f"{name} {given.format(key=on)}").code == 0, name
        assert rows() == before, f"{name} changes something"
    for name, run in changing.items():
        before = rows()
        done = run()
        assert done.code == 0, (name, done.err)
        silent = len(rows()["audit_events"]) == len(before["audit_events"])
        assert silent == (f"keywright {name}" in published()), name


def test_aud_03_what_is_published_exists() -> None:
    assert published() <= {*posts(), *(f"keywright {name}" for name in commands())}
    assert published()


# ── AUD-02: where the log can't be written, nothing happens and nothing is shown

SINKS = {
    "before": NO_AUDIT,
    "after": "CREATE TRIGGER no_audit AFTER INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'disk of the archive'); END",
    "head": "CREATE TRIGGER no_audit BEFORE UPDATE ON audit_head BEGIN SELECT RAISE(ABORT, 'disk of the archive'); END",
}


@pytest.mark.parametrize("statement", SINKS.values(), ids=SINKS)
async def test_aud_02_a_key_that_nobody_recorded_is_not_made_and_no_secret_shown(
    home: Household, statement: str
) -> None:
    async with home.services.database.write() as tx:
        await tx.exec_driver_sql(statement)
    await home.ada.get("/api-management/new")
    before = await everything(home.services)
    form = {**FORMS["/api-management/create"], "csrf": csrf_of(home, home.ada.token)}
    answer = await home.ada.send("POST", "/api-management/create", form, origin=ORIGIN, sec_fetch_site="same-origin")
    assert answer.status_code >= 400
    assert not API_SECRET.search(answer.text)
    assert "archive" not in answer.text
    assert await everything(home.services) == before
    async with home.services.database.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER no_audit")
    answer = await home.ada.send("POST", "/api-management/create", form, origin=ORIGIN, sec_fetch_site="same-origin")
    assert API_SECRET.search(answer.text)


# ── AUD-05: whatever someone calls themselves, an event is one line

HOSTILE = {
    "new lines": "Mozilla\r\n2026-01-01 key.deleted admin",
    "colours": "\x1b[2J\x1b[31mroot\x07\x9b1m",
    "line separators": "a\u2028b\u2029c\u0085d\x0b\x0c",
    "turned round": "gpj.\u202exe \u2066x\u2069",
    "not UTF-8": b"\xff\xfe\x80\xc0\xaf".decode("utf-8", "surrogateescape"),
    "nothing": "\x00\x00",
    "JSON": '","factor":"totp","x":"',
    "a megabyte": "x" * 1_000_000,
    "a megabyte of escapes": "\x1b\u2028" * 500_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_aud_05_a_hostile_agent_and_name_are_encoded_in_one_line_and_cut(services: Services, text: str) -> None:
    actor = Actor("acc_1", factor="totp", address=text, agent=text, request_id=text, session=text)
    async with services.database.write() as tx:
        event = Event(Kind.KEY_RENAMED, actor, "acc_1", "k1", 1, {"name": text, "addresses": [text, "192.0.2.1"]})
        await services.audit.record(tx, event, now=T0)
    async with services.database.read() as tx:
        (row,) = await services.audit.list(tx)
        assert (await services.audit.verify(tx)).count == 1
    (line,) = await exported(services)
    assert line.decode("ascii").isprintable()
    assert len(line) < 20_000
    for kept in (json.loads(row.origin)["agent"], json.loads(row.detail)["name"], json.loads(line)["detail"]["name"]):
        assert len(kept) <= chain.MAX_TEXT
        assert kept == text or re.search(r"… sha256:[0-9a-f]{64}$", kept)


def test_aud_05_listed_it_is_one_line_too(keywright: Terminal) -> None:
    async def happen_to() -> None:
        await killable.new_account(keywright.folder)
        async with killable.opened(keywright.folder) as services:
            for text in HOSTILE.values():
                async with services.database.write() as tx:
                    actor = Actor("acc_1", agent=text)
                    await services.audit.record(tx, Event(Kind.KEY_RENAMED, actor, "", "k1", 1, {"name": text}), now=T0)

    asyncio.run(happen_to())
    lines = keywright("audit list --kind key.renamed").out.split("\n")
    assert len(lines) == len(HOSTILE) + 1
    assert all(line.replace("\t", "").isprintable() for line in lines)
    (shown,) = keywright("audit list --kind key.renamed --json").out.splitlines()
    assert shown.isprintable()
    assert [event["agent"] for event in json.loads(shown)["events"]][::-1] == list(
        map(chain.shortened, HOSTILE.values())
    )


# ── AUD-09: an older copy is put back


def test_aud_09_an_older_database_with_its_older_chain_is_found(ada: Terminal, tmp_path: Path) -> None:
    """Everything in it holds: only what was kept elsewhere knows better."""
    assert ada("audit checkpoint").code == 0
    shutil.copy(ada.folder / "keywright.db", tmp_path / "older.db")
    assert ada("accounts freeze ada@example.org").code == 0
    assert ada("audit checkpoint").code == 0
    shutil.copytree(ada.folder / "checkpoints", tmp_path / "elsewhere")
    assert ada("audit verify").code == 0

    shutil.copy(tmp_path / "older.db", ada.folder / "keywright.db")
    found = ada("audit verify")
    assert found.code == 1
    assert "checkpoint 2 of" in found.err
    assert "an older copy was put back" in found.err
    refused = ada("audit checkpoint")
    assert refused.code == 1
    assert "an older copy was put back" in refused.err

    shutil.rmtree(ada.folder / "checkpoints")  # whoever put it back can do that too, but not elsewhere
    (ada.folder / "checkpoints").mkdir()
    shutil.copy(tmp_path / "elsewhere" / "checkpoint-00000001.txt", ada.folder / "checkpoints")
    assert ada("audit verify").code == 0
    assert ada(f"audit verify --checkpoints {tmp_path / 'elsewhere'}").code == 1
    assert ada("operator link").code == 0  # and when it has grown as long again, it is another one
    assert ada("accounts freeze ada@example.org").code == 0
    assert "rewritten" in ada(f"audit verify --checkpoints {tmp_path / 'elsewhere'}").err


async def test_aud_09_a_history_that_was_signed_anew_with_the_audit_key_is_not_the_one_before(
    services: Services, tmp_path: Path
) -> None:
    await happen(services, times=3)
    kept = checkpoints_in(services, tmp_path)
    await kept.make()
    async with services.database.write() as tx:
        await drop_guards(tx)
        await tx.execute(delete(audit_events))
        await tx.execute(delete(audit_head))
        await services.audit.begin(tx)
    await happen(services, times=5, name="another")
    async with services.database.read() as tx:
        assert (await services.audit.verify(tx)).count == 5
    with pytest.raises(Unusable, match="checkpoint 1 does not hold: event 3, or one before it"):
        await kept.verify()


# ── AUD-11: the database itself refuses

ATTEMPTS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "update": lambda tx: tx.execute(update(audit_events).where(audit_events.c.seq == 2).values(detail="{}")),
    "update of nothing": lambda tx: tx.execute(update(audit_events).values(seq=audit_events.c.seq)),
    "delete": lambda tx: tx.execute(delete(audit_events).where(audit_events.c.seq == 2)),
    "delete all": lambda tx: tx.execute(delete(audit_events)),
    "replace": lambda tx: tx.exec_driver_sql(
        "INSERT OR REPLACE INTO audit_events SELECT seq, 0, kind, actor, origin, account_id, subject, subject_version, "
        "detail, mac FROM audit_events"
        if tx.dialect.name == "sqlite"
        else "TRUNCATE audit_events"
    ),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
async def test_aud_11_an_event_can_be_neither_changed_nor_deleted(
    services: Services, attempt: Callable[[Any], Awaitable[Any]]
) -> None:
    await happen(services, times=3)
    before = await everything(services)
    with pytest.raises(DBAPIError, match="only ever added to"):
        async with services.database.write() as tx:
            await attempt(tx)
    assert await everything(services) == before
    await happen(services)
    async with services.database.read() as tx:
        assert (await services.audit.verify(tx)).count == 4


@pytest.mark.postgres
async def test_aud_11_the_role_that_the_docs_describe_can_record_and_can_change_nothing(
    postgres: Database, keyring: Keyring
) -> None:
    """Even with the triggers gone: their owner is somebody else."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    grants = re.findall(r"^(?:GRANT|REVOKE) .*;$", page, re.MULTILINE)
    log = AuditLog(keyring.derive("audit/v1"))
    async with postgres.write() as tx:
        await log.begin(tx)
        await drop_guards(tx)
        await tx.exec_driver_sql("DO $$ BEGIN CREATE ROLE keywright; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        for grant in grants:
            await tx.exec_driver_sql(grant)
    async with postgres.write() as tx:
        await tx.exec_driver_sql("SET LOCAL ROLE keywright")
        await log.record(tx, Event(Kind.KEY_RENAMED, Actor("acc_1"), "acc_1", "k1"), now=T0)
        assert (await log.verify(tx)).count == 1
    for attempt in ATTEMPTS.values():
        with pytest.raises(DBAPIError, match="permission denied"):
            async with postgres.write() as tx:
                await tx.exec_driver_sql("SET LOCAL ROLE keywright")
                await attempt(tx)


# ── AUD-12: the verifiers themselves


async def _three_events(data: Path) -> None:
    await killable.new_account(data)
    async with killable.opened(data) as services:
        await happen(services, times=3)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET detail = '{' WHERE seq = 2",
        "UPDATE audit_events SET origin = 'null' WHERE seq = 2",
        "UPDATE audit_events SET detail = CAST(zeroblob(50000000) AS TEXT) WHERE seq = 2",
        "UPDATE audit_events SET detail = printf('%.*c', 50000000, 'x') WHERE seq = 2",
        "UPDATE audit_events SET kind = x'ff00fe' WHERE seq = 2",
        "UPDATE audit_events SET kind = CAST(x'ff00fe' AS TEXT) WHERE seq = 2",
        "UPDATE audit_events SET at = 'yesterday' WHERE seq = 2",
        "UPDATE audit_events SET at = 1e300 WHERE seq = 2",
        "UPDATE audit_events SET mac = 'text' WHERE seq = 2",
        "UPDATE audit_events SET mac = zeroblob(50000000) WHERE seq = 2",
        "UPDATE audit_events SET seq = 'two' WHERE seq = 2",
        "UPDATE audit_events SET seq = -2 WHERE seq = 2",
        "UPDATE audit_head SET seq = 'x'",
        "UPDATE audit_head SET link = 'x'",
        "UPDATE audit_head SET mac = 7",
        "DELETE FROM audit_head",
    ],
)
def test_aud_12_whatever_lies_in_the_table_the_verifier_says_so(keywright: Terminal, statement: str) -> None:
    """Exit code 1 and a sentence: no traceback, and never more of a row in memory than one of ours can hold."""
    asyncio.run(_three_events(keywright.folder))
    with closing(sqlite3.connect(keywright.folder / "keywright.db")) as database, database:
        for name in GUARDS:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement)
    for command in ("audit verify", "audit verify --no-checkpoints", "audit export"):
        said = keywright(command)
        assert said.code == 1, (command, said)
        assert re.search(r"^keywright: .*(broken|altered)", said.err), (command, said.err)
    # A checkpoint of what was said in time can still be made, unless it is the head that was altered.
    assert keywright("audit checkpoint").code == ("audit_head" in statement), statement


class Endless(io.RawIOBase):
    """An export that is made while it is read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines, self._rest = lines, b""

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        self._rest = self._rest or next(self._lines, b"")
        part, self._rest = self._rest[: len(room)], self._rest[len(room) :]
        room[: len(part)] = part
        return len(part)


def lines_of(count: int) -> Iterator[bytes]:
    previous = chain.START
    for seq in range(1, count + 1):
        values = [seq, T0, "key.renamed", "acc_1", "{}", "acc_1", "k1", 1, chain.canonical({"name": f"bot {seq}"})]
        line = chain.line_of(values, mac=bytes(32), previous=previous)
        previous = chain.link_of(line)
        yield line + b"\n"


def test_aud_12_an_export_is_checked_in_constant_memory() -> None:
    def peak(count: int) -> int:
        last = b""
        for line in lines_of(count):
            last = line
        key = CheckpointKey(Secret(bytes(32)))
        link = chain.link_of(last.removesuffix(b"\n")).hex()
        one = key.sign(Statement("db_test", 1, count, T0, chain.link_of(bytes(32)).hex(), link, ""))
        tracemalloc.start()
        lines = io.BufferedReader(Endless(lines_of(count)))
        proved = verify_export(lines, in_order([(one.name, one.text)], public_key=key.public))
        assert proved.covered == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded once
    assert peak(10_000) < peak(100) + 100_000


async def test_aud_12_a_log_is_walked_a_row_at_a_time(services: Services) -> None:
    """Nothing is kept of what passed: the walk of a long log gives its first event before it has read the last."""
    await happen(services, times=5)
    async with services.database.write() as tx:
        await drop_guards(tx)
        row = (await tx.execute(select(audit_events).where(audit_events.c.seq == 5))).one()
        await tx.execute(delete(audit_events).where(audit_events.c.seq == 5))
        await tx.execute(insert(audit_events).values(**{**row._asdict(), "detail": "{}"}))
    seen = 0
    with pytest.raises(Unusable, match="event 5"):
        async with services.database.read() as tx:
            async for walked in services.audit.walk(tx):
                seen = walked.place.count
    assert seen == 4
