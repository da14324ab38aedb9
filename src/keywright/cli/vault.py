"""`keywright vault`: the personal vault. One module per kind of command."""

from __future__ import annotations

import click

from keywright.cli import (
    vault_backups,
    vault_connections,
    vault_diagnose,
    vault_egress,
    vault_protections,
    vault_rotation,
    vault_session,
)


@click.group("vault")
def group() -> None:
    """The personal vault: other exchanges' keys, sealed, on this machine."""


for command in (
    vault_connections.add,
    vault_connections.list_,
    vault_connections.show,
    vault_connections.check,
    vault_connections.edit,
    vault_connections.remove,
    vault_rotation.rotate,
    vault_diagnose.diagnose,
    vault_egress.group,
    vault_session.init,
    vault_session.unlock,
    vault_session.lock,
    vault_session.status,
    vault_session.agent,
    vault_protections.passphrase,
    vault_protections.protect,
    vault_protections.unprotect,
    vault_protections.accept,
    vault_backups.backup,
    vault_backups.restore,
):
    group.add_command(command)
