"""`keywright vault`: the personal vault. One module per kind of command."""

from __future__ import annotations

import click

from keywright.cli.commands import Commands, Group

COMMANDS = Commands(
    {
        "accept": "vault_protections:accept",
        "add": "vault_connections:add",
        "agent": "vault_session:agent",
        "backup": "vault_backups:backup",
        "check": "vault_connections:check",
        "diagnose": "vault_diagnose:diagnose",
        "edit": "vault_editing:edit",
        "egress": "vault_egress:group",
        "init": "vault_session:init",
        "list": "vault_connections:list_",
        "lock": "vault_session:lock",
        "passphrase": "vault_protections:passphrase",
        "protect": "vault_protections:protect",
        "remove": "vault_connections:remove",
        "restore": "vault_backups:restore",
        "rotate": "vault_rotation:rotate",
        "show": "vault_connections:show",
        "status": "vault_session:status",
        "unlock": "vault_session:unlock",
        "unprotect": "vault_protections:unprotect",
    }
)


@click.group("vault", cls=Group, commands=COMMANDS)
def group() -> None:
    """The personal vault: other exchanges' keys, sealed, on this machine."""
