"""How connections and what was found about their keys are shown at the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import terminal
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.errors import KeywrightError
    from keywright.vault.model import Connection, EgressAddress
    from keywright.vault.preflight import Finding
    from keywright.vault.seam import Checked, KeyRefused

PARTS = {"key": "the API key", "secret": "the secret", "passphrase": "the passphrase"}
"""What the fields of a key are called where they are asked for."""


@contextmanager
def giving_a_key() -> Iterator[None]:
    """Say why a key that is given was not taken: what was found about it, or which part of it was pasted wrong."""
    from keywright.vault.seam import KeyRefused

    try:
        yield
    except KeyRefused as refused:
        raise not_taken(refused) from None
    except Invalid as wrong:
        part = PARTS.get(wrong.field, "")
        if not part or wrong.field in wrong.message:
            raise
        # At the console it stands beside its field.
        raise Invalid(f"{part}: {wrong.message}", hint=wrong.hint, field=wrong.field) from None


def not_taken(refused: KeyRefused) -> click.exceptions.Exit:
    """Say why a key was not taken, the gravest first, and what can be accepted; return how the command ends."""
    terminal.error(refused)
    show_findings(refused.findings[1:])
    names = _acceptable(refused.findings)
    if names:
        terminal.say(f"To take it all the same, on the record: {names}")
    return click.exceptions.Exit(refused.exit_code)


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Say what was found about a key."""
    from keywright.vault.preflight import Severity

    for finding in findings:
        mark = "refused" if finding.refuses else str(finding.severity)
        terminal.say(f"{mark}: {finding.message}".translate(terminal.CONTROL))
        if finding.severity is not Severity.ACCEPTED:  # its owner knows what could be done, and chose not to
            terminal.say(f"  hint: {finding.hint}".translate(terminal.CONTROL))


def _acceptable(findings: tuple[Finding, ...]) -> str:
    """Return the options that accept all that refuses a key; nothing where something can't be accepted."""
    refusing = [one.accept for one in findings if one.refuses]
    return " ".join(f"--accept {name}" for name in dict.fromkeys(refusing)) if all(refusing) else ""


def address_note(egress: EgressAddress, *, now: int) -> str:
    """Return the address to put on an exchange's list, and how well it is known."""
    if not egress.shown:
        return "not known yet: no exchange has been asked through it"
    if egress.is_confirmed(now=now):
        return egress.shown
    return f"{egress.shown} (unconfirmed)"


def as_dict(connection: Connection, *, now: int) -> dict[str, Any]:
    """Return a connection as `--json` shows it: nothing secret in it."""
    record, egress = connection.record, connection.egress
    return {
        "id": connection.id,
        "name": connection.name,
        "exchange": record.exchange.value,
        "status": record.status.value,
        "reasons": list(record.reasons),
        "is_altered": not connection.holds,
        "key": connection.key.masked,
        "fingerprint": connection.key.fingerprint,
        "kind": connection.key.kind.value,
        "egress_id": record.egress_id,
        "address": egress.shown,
        "address_is_confirmed": egress.is_confirmed(now=now),
        "address_is_shared": egress.shared_at is not None,
        "bots": list(record.bots),
        "is_shared": connection.is_shared,
        "accepted": [{"what": one.what, "by": one.by, "at": one.at} for one in record.accepted],
        "evidence": [
            {"right": one.right.value, "allowed": one.allowed, "grade": one.grade.value, "said": one.said}
            for one in record.probe.evidence
        ],
        "created_at": record.created_at,
        "added_at": connection.key.added_at,
        "checked_at": record.checked_at,
        "key_created_at": record.probe.created_at,
        "key_expires_at": record.probe.expires_at,
        "key_ends_at": record.terms.ends_at,
        "purpose": record.terms.purpose.value,
        "master_id": record.terms.master_id or None,
        "rotates_by_itself": record.terms.by_itself,
        "version": record.version,
    }


def row(connection: Connection, *, now: int) -> tuple[object, ...]:
    """Return a connection as a row of the list."""
    record = connection.record
    return (
        record.name,
        record.exchange.title,
        "altered" if not connection.holds else record.status.value,
        connection.key.masked,
        connection.key.fingerprint,
        address_note(connection.egress, now=now),
        terminal.moment(record.checked_at),
        list(record.bots),
        _note(connection),
    )


def _note(connection: Connection) -> str:
    """Return what its owner should know or do about a connection."""
    if not connection.holds:
        return "its record was altered outside Keywright: remove it"
    if connection.record.reasons:
        from keywright.cli.held_words import reason

        return "; ".join(map(reason, connection.record.reasons))
    notes = []
    if connection.is_master:
        notes.append("a master key: it rotates others")
    if connection.is_shared:
        notes.append("several bots share it: give each a key of its own")
    if connection.egress.shared_at is not None:
        notes.append("its address is shared")
    return "; ".join(notes)


def _rotated(connection: Connection, master: str) -> str:
    """Return how its key is followed by the next one."""
    terms = connection.record.terms
    if not terms.master_id:
        return "by hand"
    return f"through {master or terms.master_id}{', by itself' if terms.by_itself else ''}"


def show_all(connection: Connection, *, master: str = "", now: int) -> None:
    """Show everything about a connection that may be seen; `master` is what the one is called that rotates its key."""
    from keywright.cli.held_words import right
    from keywright.vault.deadlines import ends_of

    record = connection.record
    facts = (
        ("id", connection.id),
        ("name", connection.name),
        ("exchange", record.exchange.title),
        ("status", "altered" if not connection.holds else record.status.value),
        ("key", f"{connection.key.masked} ({connection.key.kind}), fingerprint {connection.key.fingerprint}"),
        ("address", address_note(connection.egress, now=now)),
        ("made there", terminal.moment(record.probe.created_at)),
        ("held since", terminal.moment(connection.key.added_at)),
        ("checked", terminal.moment(record.checked_at)),
        ("ends", terminal.moment(ends_of(connection))),
        ("rotated", _rotated(connection, master)),
        ("bots", ", ".join(record.bots) or "–"),
        ("accepted", ", ".join(f"{one.what} ({terminal.moment(one.at)})" for one in record.accepted) or "–"),
        ("note", _note(connection) or "–"),
    )
    for name, value in facts:
        terminal.out(f"{name:<12}{str(value).translate(terminal.CONTROL)}")
    terminal.out()
    allowed = {True: "yes", False: "no", None: "not known"}
    rows = [(right(one.right.value), allowed[one.allowed], one.grade.value, one.said) for one in record.probe.evidence]
    terminal.out_table(("RIGHT", "ALLOWED", "GRADE", "THE EXCHANGE SAYS"), rows)
    show_warnings(connection, now=now)


def show_done(connection: Connection, *, now: int, as_json: bool, done: str) -> None:
    """Show a connection that was changed: as one JSON object, or by saying what is `done`."""
    if as_json:
        terminal.out_json(as_dict(connection, now=now))
        return
    name = connection.name.translate(terminal.CONTROL)
    terminal.say(f"{name} {done}: {connection.record.exchange.title}, key {connection.key.masked}.")
    show_warnings(connection, now=now)


def show_warnings(connection: Connection, *, now: int) -> None:
    """Say what its owner should know about a key that was taken."""
    from keywright.vault.mastery import judge_for
    from keywright.vault.preflight import Severity

    record, address = connection.record, connection.egress.shown
    accepted = connection.exceptions()
    found = judge_for(record.terms.purpose, record.probe, egress_address=address, accepted=accepted, now=now)
    show_findings(tuple(one for one in found if one.severity is Severity.WARNING))


def report(
    checked: list[Checked], trouble: list[tuple[Connection, KeywrightError]], *, now: int, as_json: bool
) -> None:
    """Show what checks found, and end as the gravest of it."""
    from keywright.vault.model import Status
    from keywright.vault.preflight import exit_code

    if as_json:
        terminal.out_json(
            {
                "checked": [
                    as_dict(one.connection, now=now)
                    | {"findings": [{"code": f.code, "severity": f.severity, "right": f.right} for f in one.findings]}
                    for one in checked
                ],
                "failed": [{"id": one.id, "name": one.name, "message": problem.message} for one, problem in trouble],
            }
        )
    for one in checked:
        if not as_json:
            name = one.connection.name.translate(terminal.CONTROL)
            called = shlex.quote(name)
            if any(found.refuses for found in one.findings):
                terminal.say(f"{name} is suspended.")
            elif one.connection.record.status is Status.SUSPENDED:
                terminal.say(
                    f"{name} stays suspended, and is well now: `keywright vault check {called}` uses it again."
                )
            else:
                terminal.say(f"{name} is well.")
            show_findings(one.findings)
            if names := _acceptable(one.findings):
                terminal.say(f"To use it all the same, give the key again: keywright vault edit {called} --key {names}")
    for failed, problem in trouble:
        terminal.say(f"{failed.name}: {problem.message}".translate(terminal.CONTROL))
        if problem.hint:
            terminal.say(f"  hint: {problem.hint}".translate(terminal.CONTROL))
    codes = [code for code in (exit_code(one.findings) for one in checked) if code]
    codes += [problem.exit_code for _, problem in trouble]
    if codes:
        raise click.exceptions.Exit(min(codes))
