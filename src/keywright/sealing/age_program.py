"""The program `age` of this machine, run to seal or open a few bytes; it finds its plugins itself, and they ask at the terminal.

Rules: what is sealed goes through pipes, never an argument or a file. Programs are looked for in folders that nobody else
can write to. Of the environment it gets what a plugin needs to find its hardware and its window, and nothing else: with
AGEDEBUG it would print keys and PINs. It has a time, and may say so much.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from keywright.errors import NotProven, Unusable
from keywright.secret import Secret

PATIENCE_S = 120.0
"""For a person who finds the key, types its PIN and touches it."""

MOST_OUT = 64 * 1024
MOST_SAID = 16 * 1024
"""Of what it says to the person; the rest is read and dropped."""

OLDEST = (1, 1)
"""The first that runs plugins."""

INSTALL = "install age 1.1 or newer: `apt install age`, `brew install age`, or https://age-encryption.org"
PASSED = frozenset({
    "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR",
    "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS",  # a window for the PIN
    "PCSCLITE_CSOCK_NAME", "TPM2TOOLS_TCTI",  # where the hardware is
})  # fmt: skip
_REPORT = "report unexpected or unhelpful errors at"
_VERSION = re.compile(r"v?(\d+)\.(\d+)")

Tell = Callable[[str], None]


class AgeRefused(NotProven):
    """It ran, and did not do it: another identity, a wrong PIN, nobody who touched the key."""


@dataclass(frozen=True, slots=True)
class AgeProgram:
    """Where it is, and what it is run with."""

    path: str
    environ: Mapping[str, str]

    def seal(self, content: Secret, recipients: Sequence[str], identity: Path, *, tell: Tell) -> bytes:
        """Return the content sealed to these recipients; to the identity's own where none is named."""
        named = [word for recipient in recipients for word in ("--recipient", recipient)]
        try:
            return self._run(["--encrypt", *(named or ["--identity", str(identity)])], content.reveal(), tell=tell)
        except AgeRefused as refused:
            hint = "" if named else "if its plugin can't seal to an identity, name its recipient: --age-recipient age1…"
            raise AgeRefused(refused.message, hint=hint or refused.hint) from None

    def open(self, sealed: bytes, identity: Path, *, tell: Tell) -> Secret:
        """Return what is inside. Raises `AgeRefused` with the words of `age`."""
        return Secret(self._run(["--decrypt", "--identity", str(identity)], sealed, tell=tell))

    def require_plugin(self, name: str) -> None:
        """Do nothing if a plugin is where `age` will look for it. Raises `Unusable` naming it."""
        if shutil.which(f"age-plugin-{name}", path=self.environ["PATH"]) is None:
            raise Unusable(
                f"the program age-plugin-{name} is not in a folder of PATH that is yours or the system's alone",
                hint=f"install the age plugin of your hardware, so that `command -v age-plugin-{name}` finds it",
            )

    def _run(self, words: Sequence[str], given: bytes, *, tell: Tell) -> bytes:
        with _terminal_as_it_was():
            done, out, said = _talk([self.path, *words], given, self.environ, tell=tell)
        if done is None:
            raise AgeRefused(f"age had no answer within {PATIENCE_S:.0f} seconds", hint="try again, and touch the key")
        if done < 0:
            raise AgeRefused("age was ended before it was through", hint="try again")
        if done:
            raise AgeRefused(_why(said), hint="is it the right key, and its right identity file?")
        return out


def find_age(environ: Mapping[str, str]) -> AgeProgram:
    """Return the program. Raises `Unusable` where there is none, or an old one, saying how to get it."""
    passed = {name: value for name, value in environ.items() if name in PASSED or name.startswith("LC_")}
    passed["PATH"] = os.pathsep.join(_trusted(environ.get("PATH", os.defpath)))
    path = shutil.which("age", path=passed["PATH"])
    if path is None:
        raise Unusable("the program age is not in a folder of PATH that is yours or the system's alone", hint=INSTALL)
    _, out, _ = _talk([path, "--version"], b"", passed, tell=lambda _: None)
    found = _VERSION.match(out.decode("utf-8", "replace"))
    if found and (int(found[1]), int(found[2])) < OLDEST:  # one that somebody built may not know its version
        raise Unusable(f"{path} is age {found[0]}, which runs no plugins", hint=INSTALL)
    return AgeProgram(path, passed)


def _trusted(path: str) -> Iterator[str]:
    """Give the folders of a PATH in which no other user can put a program, `.` and its like left out."""
    for folder in path.split(os.pathsep):
        with suppress(OSError):
            status = Path(folder).stat()
            if Path(folder).is_absolute() and status.st_uid in {0, os.geteuid()} and not status.st_mode & 0o002:
                yield folder


def _talk(
    command: Sequence[str], given: bytes, environ: Mapping[str, str], *, tell: Tell
) -> tuple[int | None, bytes, bytes]:
    """Return how a program ended (`None`: it was out of time), what it gave, and what it said, told as it came."""
    until = time.monotonic() + PATIENCE_S
    out, said, told = bytearray(), bytearray(), 0
    process = subprocess.Popen(  # noqa: S603  an absolute path and words of ours; a recipient is looked at before
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
        cwd="/",
    )
    ours, theirs, words = process.stdin, process.stdout, process.stderr
    if ours is None or theirs is None or words is None:
        raise TypeError("age was started without pipes")
    with ours, theirs, words, selectors.DefaultSelector() as ready:
        try:
            os.set_blocking(ours.fileno(), False)
            ready.register(ours, selectors.EVENT_WRITE)
            ready.register(theirs, selectors.EVENT_READ)
            ready.register(words, selectors.EVENT_READ)
            while ready.get_map() and len(out) <= MOST_OUT:
                left = until - time.monotonic()
                if left <= 0:
                    return None, b"", bytes(said)
                for key, _ in ready.select(left):
                    if key.fileobj is ours:
                        given = _write(ours.fileno(), given)
                        if not given:
                            ready.unregister(ours)
                            ours.close()
                    elif not (chunk := os.read(key.fd, MOST_OUT)):
                        ready.unregister(key.fileobj)
                    elif key.fileobj is theirs:
                        out += chunk
                    else:
                        said += chunk[: MOST_SAID - len(said)]
                        told = _tell_lines(said, told, tell)
            if len(out) > MOST_OUT:
                raise Unusable("age gave more than it can have been given")
            try:
                return process.wait(max(until - time.monotonic(), 1)), bytes(out), bytes(said)
            except subprocess.TimeoutExpired:
                return None, b"", bytes(said)
        finally:
            process.kill()  # of one that has ended, nothing; its plugin sees its pipes close
            process.wait()


def _write(descriptor: int, given: bytes) -> bytes:
    """Write what there is room for; return the rest. Who stopped reading gets no more."""
    try:
        return given[os.write(descriptor, given) :] if given else b""
    except BlockingIOError:
        return given
    except BrokenPipeError:
        return b""


def _tell_lines(said: bytearray, told: int, tell: Tell) -> int:
    """Tell the whole lines that are new, but for the last word, which becomes an error of ours; return how far that was."""
    end = said.rfind(b"\n") + 1
    for line in said[told:end].decode("utf-8", "replace").splitlines():
        if not line.startswith("age: error:") and _REPORT not in line:
            tell(line)
    return max(end, told)


def _why(said: bytes) -> str:
    """Return its last word on why it did not do it."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line and _REPORT not in line]
    errors = [line for line in lines if line.startswith("age: error:")]
    return (
        f"age: {(errors or lines or ['error: it did not say why'])[-1].removeprefix('age: ').removeprefix('error: ')}"
    )


@contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Give the terminal back as it was: a program that is interrupted at a prompt leaves it without echo."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        before = termios.tcgetattr(terminal)
        try:
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)
    finally:
        os.close(terminal)
