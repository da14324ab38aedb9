"""`keywright vault backup` and `restore`: the whole vault as one age file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import options, terminal
from keywright.cli.vault_options import BY, KINDS, How, how, new_protection, new_secret_of, secret_of, stdin
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.secret import Secret


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--recipient", "recipients", multiple=True, help="Seal it to this recipient of age (age1…, or ssh-…).")
@stdin
@options.data_dir
@options.as_json
async def backup(
    file: Path, recipients: tuple[str, ...], *, from_stdin: bool, data_dir: str | None, as_json: bool
) -> None:
    """Write the open vault to the new file FILE, sealed by a passphrase of its own, or to recipients.

    Whoever opens FILE has the vault, whatever protects it here. The `age` tool opens it, too.
    """
    from keywright.app import personal_vault, vault_opening
    from keywright.app.vault_archive import pack
    from keywright.app.vault_backup import copy_vault, require_new, write_backup
    from keywright.sealing import age

    settings = options.settings_of(data_dir=data_dir)
    closed = await vault_opening.look_at_vault(settings)
    key = vault_opening.find_wrapping_key(closed)
    require_new(file)  # before anybody thinks of a passphrase
    passphrase = None
    if not recipients:
        passphrase = new_secret_of("Passphrase of the backup", from_stdin=from_stdin)
    async with personal_vault.open_personal_vault(settings, key=key) as services:
        archive = await copy_vault(services, closed.place, key, now=services.clock())
    packed = pack(archive)
    sealed = age.seal_for_passphrase(packed, passphrase) if passphrase else age.seal_for_recipients(packed, recipients)
    path = write_backup(file, sealed)
    if as_json:
        terminal.out_json({"path": str(path), "bytes": len(sealed), "events": archive.manifest.events})
        return
    terminal.say(f"{path}: {len(sealed):,} bytes, {archive.manifest.events} audit events.")
    terminal.say("It holds all it takes to open the vault: what seals it is all that protects it.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--identity", type=click.Path(path_type=Path), metavar="PATH", help="File of age or SSH identities.")
@click.option("--by", "kind", type=click.Choice(KINDS), help=f"Protect it by this alone. {BY}")
@how
@click.option(
    "--replace", is_flag=True, help="Put it in the place of the vault that is there, which is kept beside it."
)
@stdin
@options.data_dir
@options.as_json
async def restore(
    file: Path,
    identity: Path | None,
    kind: str | None,
    how: How,
    *,
    replace: bool,
    from_stdin: bool,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Put the vault in FILE back, protected as it was when it was made, unless --by says otherwise.

    Looks whether all of it holds before anything is replaced.
    """
    from keywright.app.vault_archive import unpack
    from keywright.app.vault_backup import read_backup, restore_vault
    from keywright.app.vault_place import vault_place_of

    settings = options.settings_of(data_dir=data_dir)
    archive = unpack(_opened(read_backup(file), identity, from_stdin=from_stdin))
    new = new_protection(kind, how, from_stdin=from_stdin) if kind else None
    done = await restore_vault(archive, vault_place_of(settings), new=new, replace=replace)
    made = terminal.moment(done.manifest.made_at)
    if as_json:
        aside = str(done.aside) if done.aside else None
        shown = {"path": str(done.path), "vault": done.manifest.vault, "events": done.manifest.events, "aside": aside}
        terminal.out_json({**shown, "made_at": done.manifest.made_at, "protections": list(done.kinds)})
        return
    terminal.say(
        f"{done.path} is the vault of {made}, with {done.manifest.events} events. It opens by {', '.join(done.kinds)}."
    )
    if done.is_another:
        terminal.say("It is another vault than the one that was here: be sure of who made this backup.")
    if done.aside:
        terminal.say(f"What was there before is in {done.aside}.")


def _opened(sealed: bytes, identity: Path | None, *, from_stdin: bool) -> Secret:
    """Return what is in an age file, by the identity, or by the passphrase that is asked for."""
    from keywright.sealing import age

    if identity is not None:
        try:
            return age.open_with_identities(sealed, identity.expanduser().read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            raise Invalid(f"the identity {identity} can't be read") from None
    if not age.takes_passphrase(sealed):
        raise Invalid("no passphrase opens this file", hint="name the identity that does: --identity PATH")
    from keywright.sealing.protections.passphrase import normalised

    return age.open_with_passphrase(sealed, normalised(secret_of("Passphrase of the backup", from_stdin=from_stdin)))
