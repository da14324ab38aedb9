"""`keywright keys rotate`: a successor with the same rights, beside the old key for a while."""

from __future__ import annotations

import click

from keywright.cli import options, terminal
from keywright.cli.key_changes import account_of, account_option, actor_of, as_dict, ask_proof, ask_trading_proof


@click.command("rotate")
@click.argument("key_id")
@account_option
@click.option(
    "--overlap",
    "hours",
    type=int,
    default=7 * 24,
    show_default=True,
    metavar="HOURS",
    help="How long both keys work, at most 168; 0 ends the old one now.",
)
@options.data_dir
@options.as_json
async def command(key_id: str, *, email: str | None, hours: int, data_dir: str | None, as_json: bool) -> None:
    """Make a key's successor. Asks for its passphrase and the authenticator code; shows its secret once."""
    from keywright.app.services import opened
    from keywright.issuing import rules

    rules.overlap_hours(hours)
    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.read() as tx:
            owner = await services.issuing.owner_of(tx, account.id, key_id)
            old = await services.issuing.key(tx, owner, key_id)
        typed = terminal.ask_secret("Passphrase of the new key", confirm=True)
        async with services.database.read() as tx:
            passphrase = await services.issuing.vet_passphrase(tx, owner, typed, about=(old.name, old.memo))
        proof = await ask_proof(services, account)
        trading = await ask_trading_proof(services, account, proof)
        now = proof.at
        async with services.database.write() as tx:
            issued = await services.issuing.rotate(
                tx,
                owner,
                key_id,
                passphrase=passphrase,
                overlap_hours=hours,
                proof=proof,
                trading=trading,
                actor=actor_of(proof),
                now=now,
            )
            old = await services.issuing.key(tx, owner, key_id)
    if as_json:
        ends = {"predecessor_until": old.grant.overlap_until}
        terminal.out_json({**as_dict(issued.key, now=now), **ends, "secret": issued.secret.reveal_text()})
        return
    terminal.say(f"Key {issued.key.id} is made. Its secret is shown this once; nobody can show it again:")
    terminal.out(f"KUCOIN_API_KEY={issued.key.id}\nKUCOIN_SECRET_KEY={issued.secret.reveal_text()}")
    until = f"works until {terminal.moment(old.grant.overlap_until)}" if hours else "is disabled"
    terminal.say(f"The old key {old.id} {until}. Delete it once no program uses it any more.")
