"""A shell's words, as bash splits a simple command into them; nothing is expanded and nothing is run.

Rule: what only a shell could fill in (`$KEY`, `$(date)`, backquotes) is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from keywright.errors import Invalid

AS_SENT = "paste the request as it was sent: run curl with -v, and paste the lines that begin with '>'"

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "0": "\0"}


def words(text: str) -> Iterator[str]:
    """Yield the words of a command as bash splits them. Raises `Invalid` for what bash would fill in or run."""
    at, word, quoted = 0, "", False
    while at < len(text):
        character = text[at]
        if text.startswith("$'", at):
            part, at = _ansi(text, at + 2)
            word, quoted = word + part, True
        elif character == "'":
            end = _end(text, at + 1, "'")
            word, quoted, at = word + text[at + 1 : end], True, end + 1
        elif character == '"':
            part, at = _double(text, at + 1)
            word, quoted = word + part, True
        elif character == "\\":
            # A line that goes on has nothing there; any other character stands for itself.
            after = text[at + 1 : at + 3] if text.startswith("\r\n", at + 1) else text[at + 1 : at + 2]
            word += "" if after in {"\n", "\r\n"} else after
            at += 1 + len(after)
        elif character.isspace() or character in ";|&<>":
            if word or quoted:
                yield word
            if not character.isspace() or (character == "\n" and (word or quoted)):
                return  # the command ends: what follows is another one, or where its output goes
            word, quoted, at = "", False, at + 1
        else:
            _check_plain(text, at)
            word, at = word + character, at + 1
    if word or quoted:
        yield word


def _double(text: str, at: int) -> tuple[str, int]:
    word = ""
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and text[at + 1 : at + 2] in {"\\", '"', "$", "`", "\n"}:
            word, at = word + text[at + 1].replace("\n", ""), at + 2
            continue
        _check_plain(text, at)
        word, at = word + text[at], at + 1
    if at >= len(text):
        raise Invalid('the command has a quotation mark (") that is never closed')
    return word, at + 1


def _ansi(text: str, at: int) -> tuple[str, int]:
    word = ""
    while at < len(text) and text[at] != "'":
        if text[at] != "\\":
            word, at = word + text[at], at + 1
            continue
        code = re.match(r"u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})", text[at + 1 : at + 10])
        if code:
            number = int(code[1] or code[2] or code[3], 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise Invalid("the command has an escape that stands for no character")
            word, at = word + chr(number), at + 1 + code.end()
        else:
            word, at = word + _ESCAPES.get(text[at + 1 : at + 2], text[at + 1 : at + 2]), at + 2
    if at >= len(text):
        raise Invalid("the command has a quotation mark (') that is never closed")
    return word, at + 1


def _end(text: str, at: int, mark: str) -> int:
    end = text.find(mark, at)
    if end < 0:
        raise Invalid(f"the command has a quotation mark ({mark}) that is never closed")
    return end


def _check_plain(text: str, at: int) -> None:
    if text[at] == "`" or re.match(r"\$[A-Za-z_{(]", text[at : at + 2]):
        raise Invalid("the command holds something that only your shell can fill in ($… or `…`)", hint=AS_SENT)
