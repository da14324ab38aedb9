"""`keywright explain`: why a signed request is refused, from a curl command, a HAR entry or its own lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import options, terminal
from keywright.errors import Invalid, Unusable
from keywright.secret import Secret

if TYPE_CHECKING:
    from keywright.protocol.explain import Difference, Explanation


_PEM = b"-----BEGIN "


@click.command("explain")
@click.argument("files", nargs=-1, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option(
    "--exchange",
    type=click.Choice(["kucoin", "binance", "bitfinex"]),
    default="kucoin",
    show_default=True,
    help="Whose wire the request is of.",
)
@click.option(
    "--at", metavar="TIME", help="When it was received: ISO 8601, or ms since 1970. Else what a HAR says, else now."
)
@click.option(
    "--window",
    type=click.IntRange(1, 60),
    default=30,
    show_default=True,
    metavar="S",
    help="Seconds a clock may be off (KuCoin's wire).",
)
@click.option("--entry", type=int, metavar="N", help="Which entry of a HAR, from 1; else its only signed one.")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    metavar="F",
    help="File with the secret, and the passphrase on its second line; or Binance's Ed25519 or RSA key, private or "
    "public, in PEM.",
)
@click.option(
    "--header-prefix",
    metavar="P",
    default="KC-API-",
    show_default=True,
    help="What the names of KuCoin's headers begin with, where the server has others.",
)
@click.option("--no-passphrase", is_flag=True, help="Don't ask for the passphrase; it is then not looked at.")
@click.option(
    "--strings",
    is_flag=True,
    help="FILE is two files, what the server signed and what the client signed: show where they part.",
)
@options.as_json
@click.pass_obj
def command(
    clock: Callable[[], int],
    *,
    files: tuple[Path, ...],
    exchange: str,
    at: str | None,
    window: int,
    entry: int | None,
    secret_file: Path | None,
    header_prefix: str,
    no_passphrase: bool,
    strings: bool,
    as_json: bool,
) -> None:
    """Tell why a signed request is refused: what the server signs, what the client signed, where they part.

    FILE (or standard input) holds a curl command, a HAR or one entry of it, or the request's own lines. The secret and
    the passphrase are asked for; where the request itself comes from standard input, at the terminal.
    """
    from keywright.cli.pasted import at_ms, read_pasted
    from keywright.protocol.explain import explain
    from keywright.protocol.explain_seen import SHORTEST_SECRET

    if strings:
        _strings(files, as_json=as_json)
        return
    if len(files) > 1:
        raise Invalid("give one file, or none to read standard input", hint="two files are compared with --strings")
    from_stdin = not files or str(files[0]) == "-"
    content = sys.stdin.buffer.read() if from_stdin else _read(files[0])
    pasted = read_pasted(content, entry=entry, header_prefix=header_prefix)
    secret, passphrase = _secrets(
        secret_file, with_passphrase=exchange == "kucoin" and not no_passphrase, at_terminal=from_stdin
    )
    stated = at_ms(at) if at else pasted.at_ms
    explanation = explain(
        pasted.request,
        exchange=exchange,
        secret=secret,
        passphrase=passphrase,
        now_ms=clock() if stated is None else stated,
        window_ms=window * 1000,
        header_prefix=header_prefix,
    )
    if stated is None:
        explanation = _without_a_time(explanation)
    if pasted.note:
        terminal.say(f"keywright: {pasted.note}")
    if stated is None:
        terminal.say("keywright: compared with the present time; --at says when the request was received")
    bare = secret.reveal().strip()
    if len(bare) >= SHORTEST_SECRET and bare in content and not bare.startswith(b"-----BEGIN PUBLIC"):
        terminal.say("keywright: what was pasted holds the secret itself. Delete this key, and make a new one")
    if as_json:
        terminal.out_json({"holds": explanation.holds, **asdict(explanation)})
    else:
        _tell(explanation)


def _without_a_time(explanation: Explanation) -> Explanation:
    """Return what holds when nobody knows when the request was received: a paste grows old without being wrong."""
    from keywright.protocol.explain import Mistake

    clocks = {Mistake.CLOCK_OFF, Mistake.CLOCK_BEYOND_EXCHANGE}
    rest = [cause for cause in explanation.causes if cause.id not in clocks]
    clock = [replace(cause, certain=False) for cause in explanation.causes if cause.id in clocks]
    return replace(explanation, causes=(*rest, *clock))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None


def _secrets(file: Path | None, *, with_passphrase: bool, at_terminal: bool) -> tuple[Secret, Secret | None]:
    if file is None:
        return _ask("Secret", at_terminal=at_terminal), _ask(
            "Passphrase", at_terminal=at_terminal
        ) if with_passphrase else None
    # Bytes, and only the line ends taken away: what else stands around a secret may be the very mistake.
    content = _read(file)
    if content.lstrip().startswith(_PEM):
        return Secret(content), None
    lines = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    if not lines[0].strip():
        raise Invalid(f"{file} has no secret on its first line")
    if not with_passphrase:
        return Secret(lines[0]), None
    if len(lines) < 2 or not lines[1].strip():
        raise Invalid(f"{file} has no passphrase on its second line", hint="add it, or say --no-passphrase")
    return Secret(lines[0]), Secret(lines[1])


def _ask(prompt: str, *, at_terminal: bool) -> Secret:
    typed = terminal.ask_secret_at_terminal(prompt) if at_terminal else terminal.ask_secret(prompt)
    if typed.reveal().startswith(_PEM):  # its first line only: the others would be taken for what is asked next
        raise Invalid("a key in PEM has more than one line", hint="give its file with --secret-file")
    return typed


def _strings(files: tuple[Path, ...], *, as_json: bool) -> None:
    from keywright.protocol.explain import compare

    if len(files) != 2:
        raise Invalid("--strings takes two files: what the server signed, and what the client signed")
    difference = compare(_read(files[0]), _read(files[1]))
    if as_json:
        terminal.out_json(asdict(difference))
    else:
        _tell_difference(difference)


def _tell(explanation: Explanation) -> None:
    for number, signed in enumerate(explanation.server_signed):
        terminal.out(f"{'The server signs' if not number else '  or, decoded  '}  {signed}")
    if explanation.client_signed is not None:
        terminal.out(f"The client signed {explanation.client_signed}")
    if explanation.difference is not None and explanation.difference.offset is not None:
        _tell_difference(explanation.difference)
    if explanation.skew_ms is not None:
        terminal.out(f"The stamp is {abs(explanation.skew_ms)} ms {'ahead' if explanation.skew_ms > 0 else 'behind'}.")
    if explanation.holds:
        terminal.out("The signature holds: if the request was refused, it was for something else.")
    for cause in explanation.causes:
        sure = "certain" if cause.certain else "perhaps"
        terminal.out(f"\n{sure}: {cause.sentence}  [{cause.id.value}]\n  {cause.to_do}")


def _tell_difference(difference: Difference) -> None:
    if difference.offset is None:
        terminal.out(f"The strings are equal: {difference.server_length} bytes.")
        return
    where = f", in the {difference.part}" if difference.part else ""
    terminal.out(f"They part at byte {difference.offset}{where}:")
    for name, text, byte, length in (
        ("server", difference.server, difference.server_byte, difference.server_length),
        ("client", difference.client, difference.client_byte, difference.client_length),
    ):
        there = "the end" if byte is None else f"0x{byte:02X}"
        terminal.out(f"  {name}  {text}  ({there}; {length} bytes)")
