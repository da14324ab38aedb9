"""Keys in hardware: the real `age`, with identities of its own and with a plugin over age's plugin protocol."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from keywright.errors import Invalid, Unopenable, Unusable
from keywright.sealing import age_program
from keywright.sealing.age_program import AgeRefused, find_age
from keywright.sealing.protections.hardware import ByAge, open_by_hardware, seal_to_hardware
from keywright.sealing.protections.wrapped import Surroundings
from tests.doubles.age_plugin import NAME, Device
from tests.support.hardware import native_identity, require_age

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons: forking beside threads

HIDDEN = {"AGEDEBUG": "plugin", "KUCOIN_SECRET_KEY": "canary", "LD_PRELOAD": "/nowhere.so", "PYTHONPATH": "/nowhere"}


@pytest.fixture(autouse=True)
def _age() -> None:
    require_age()


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device.make(tmp_path / "device")


@pytest.fixture
def told() -> list[str]:
    return []


def environ_of(device: Device) -> dict[str, str]:
    return {"PATH": f"{device.program.parent}:/usr/bin:/bin", "HOME": str(device.folder), **HIDDEN}


def sealed_to(device: Device, told: list[str]) -> ByAge:
    return seal_to_hardware(device.identity_file, environ=environ_of(device), tell=told.append)


def opened(by: ByAge, device: Device, told: list[str], **kept: object) -> bytes:
    return open_by_hardware({**by.parameters, **kept}, environ=environ_of(device), tell=told.append).reveal()


# ── opened, and by what


def test_an_identity_of_ages_own_opens_what_was_sealed_to_it(tmp_path: Path, told: list[str]) -> None:
    identity = native_identity(tmp_path)
    by = seal_to_hardware(identity, environ=os.environ, tell=told.append)
    found = open_by_hardware(by.parameters, environ=os.environ, tell=told.append)
    assert (found, len(found.reveal()), told) == (by.outer, 32, [])
    content = identity.read_text()
    assert json.dumps(dict(by.parameters)).find(content.splitlines()[-1]) < 0, "the identity is in the vault"
    assert "Secret(" in repr(by)
    assert by.outer.reveal().hex() not in repr(by)


def test_a_plugin_is_found_by_age_and_opens_what_was_sealed_to_it(device: Device, told: list[str]) -> None:
    by = sealed_to(device, told)
    assert [one["machine"] for one in device.noted] == ["recipient-v1", "identity-v1"], (
        "sealed, and opened once at once"
    )
    assert opened(by, device, told) == by.outer.reveal()
    sealed = b64decode(str(by.parameters["sealed"]))
    assert sealed.startswith(b"age-encryption.org/v1\n-> kwdouble ")
    assert by.outer.reveal() not in sealed


def test_the_file_says_which_recipients_there_are(device: Device, tmp_path: Path, told: list[str]) -> None:
    """Two keys, sealed to both: the one in the drawer opens it, too."""
    spare = native_identity(tmp_path)
    other = subprocess.run(["age-keygen", "-y", str(spare)], check=True, capture_output=True, text=True).stdout.strip()
    by = seal_to_hardware(device.identity_file, (device.recipient, other), environ=environ_of(device), tell=told.append)
    found = open_by_hardware(by.parameters, identity=spare, environ=environ_of(device), tell=told.append)
    assert found == by.outer


def test_an_identity_file_that_moved_is_named(device: Device, tmp_path: Path, told: list[str]) -> None:
    by = sealed_to(device, told)
    moved = device.identity_file.rename(tmp_path / "elsewhere.txt")
    with pytest.raises(Unusable, match=r"identity\.txt can't be read") as lost:
        opened(by, device, told)
    assert "--age-identity" in lost.value.hint
    assert open_by_hardware(by.parameters, identity=moved, environ=environ_of(device), tell=told.append) == by.outer


# ── refused


def test_another_key_does_not_open_it(device: Device, tmp_path: Path, told: list[str]) -> None:
    by = sealed_to(device, told)
    other = Device.make(tmp_path / "other")
    for identity in (other.identity_file, native_identity(tmp_path)):
        with pytest.raises(AgeRefused, match="no identity matched any of the recipients"):
            open_by_hardware(by.parameters, identity=identity, environ=environ_of(other), tell=told.append)


def test_without_a_terminal_a_pin_can_t_be_asked_for_and_that_is_said(device: Device, told: list[str]) -> None:
    by = sealed_to(device, told)
    device.set(pin="1234")
    program = (
        "import sys, json\nfrom keywright.sealing.protections.hardware import open_by_hardware\n"
        "from keywright.errors import NotProven\nasked = json.load(sys.stdin)\n"
        "try: open_by_hardware(asked['by'], environ=asked['environ'], tell=print)\n"
        "except NotProven as refused: print(refused.message)\n"
    )
    asked = json.dumps({"by": dict(by.parameters), "environ": environ_of(device)})
    done = subprocess.run(
        [shutil.which("python3", path=Path(os.sys.executable).parent) or "python3", "-c", program],  # type: ignore[attr-defined]
        input=asked, capture_output=True, text=True, start_new_session=True, check=True,
    )  # fmt: skip
    assert "/dev/tty is not available" in done.stdout
    assert done.stdout.splitlines()[-1] == "age: kwdouble plugin: the PIN is wrong, 7 tries are left"


def test_a_plugin_that_is_not_there_is_named(device: Device, told: list[str]) -> None:
    by = sealed_to(device, told)
    device.program.rename(device.folder / "put-away")
    for use in (lambda: opened(by, device, told), lambda: sealed_to(device, told)):
        with pytest.raises(Unusable, match=f"the program age-plugin-{NAME} is not in a folder of PATH") as missing:
            use()
        assert "install the age plugin" in missing.value.hint


def test_a_recipient_of_a_plugin_names_it_as_well(device: Device, tmp_path: Path, told: list[str]) -> None:
    identity = native_identity(tmp_path)
    with pytest.raises(Unusable, match="age-plugin-yubikey is not"):
        seal_to_hardware(identity, ("age1yubikey1qqqqqqqqqq",), environ=environ_of(device), tell=told.append)


@pytest.mark.parametrize(
    "recipient", ["", "--help", "-r", "age1", "AGE-SECRET-KEY-1QQQQQQ", "age1x\nage1y", "/etc/passwd"]
)
def test_what_is_no_recipient_never_reaches_age(device: Device, recipient: str, told: list[str]) -> None:
    with pytest.raises(Invalid, match="no recipient of age"):
        seal_to_hardware(device.identity_file, (recipient,), environ=environ_of(device), tell=told.append)
    assert device.noted == []


def test_a_recipient_with_a_slip_is_refused_by_age_itself(device: Device, told: list[str]) -> None:
    wrong = device.recipient[:-1] + ("q" if device.recipient[-1] != "q" else "p")
    with pytest.raises(AgeRefused, match=r"age: .*recipient"):
        seal_to_hardware(device.identity_file, (wrong,), environ=environ_of(device), tell=told.append)


def test_a_plugin_that_seals_to_no_identity_wants_its_recipient_named(device: Device, told: list[str]) -> None:
    """As a Trezor's plugin: it knows the one state machine only."""
    device.set(only="identity-v1")
    with pytest.raises(AgeRefused) as refused:
        sealed_to(device, told)
    assert "--age-recipient" in refused.value.hint


def test_sealing_to_a_key_that_the_identity_does_not_open_is_found_out_at_once(
    device: Device, tmp_path: Path, told: list[str]
) -> None:
    other = subprocess.run(
        ["age-keygen", "-y", str(native_identity(tmp_path))], check=True, capture_output=True, text=True
    ).stdout.strip()
    with pytest.raises(AgeRefused, match="no identity matched"):
        seal_to_hardware(device.identity_file, (other,), environ=environ_of(device), tell=told.append)


def test_what_was_altered_or_cut_opens_nothing(tmp_path: Path, told: list[str]) -> None:
    by = seal_to_hardware(native_identity(tmp_path), environ=os.environ, tell=told.append)
    sealed = b64decode(str(by.parameters["sealed"]))
    for altered in (b"", sealed[:-1], sealed[:50], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"x" * 70_000):
        with pytest.raises((AgeRefused, Unopenable)):
            open_by_hardware(
                {**by.parameters, "sealed": b64encode(altered).decode()}, environ=os.environ, tell=told.append
            )
    for broken in ({}, {**by.parameters, "sealed": "%"}, {"sealed": by.parameters["sealed"]}):
        with pytest.raises(Unopenable, match="can't be read"):
            open_by_hardware(broken, environ=os.environ, tell=told.append)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o660])
def test_a_secret_identity_that_others_reach_is_refused(tmp_path: Path, mode: int, told: list[str]) -> None:
    identity = native_identity(tmp_path)
    identity.chmod(mode)
    with pytest.raises(Unusable, match="others can") as open_to_all:
        seal_to_hardware(identity, environ=os.environ, tell=told.append)
    assert open_to_all.value.hint == f"chmod 600 {identity}"


def test_a_plugins_identity_may_be_read_by_others_and_not_written(device: Device, told: list[str]) -> None:
    sealed_to(device, told)
    device.identity_file.chmod(0o666)
    with pytest.raises(Unusable, match="others can change"):
        sealed_to(device, told)


def test_a_secret_beside_a_plugins_identity_is_still_one(device: Device, tmp_path: Path, told: list[str]) -> None:
    with device.identity_file.open("a") as file:
        file.write(native_identity(tmp_path).read_text())
    with pytest.raises(Unusable, match="is a secret itself"):
        sealed_to(device, told)


@pytest.mark.parametrize("kind", ["nothing", "folder", "pipe", "empty", "endless"])
def test_what_is_no_identity_file_is_said(tmp_path: Path, kind: str, told: list[str]) -> None:
    path = tmp_path / "identity"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind in {"empty", "endless"}:
        path.write_bytes(b"" if kind == "empty" else b"#" * 70_000)
    with pytest.raises(Unusable, match=r"can't be read|no file of age identities"):
        seal_to_hardware(path, environ=os.environ, tell=told.append)


# ── the program itself


def test_without_age_it_is_said_how_to_get_it(device: Device, told: list[str]) -> None:
    environ = {**environ_of(device), "PATH": str(device.program.parent)}
    with pytest.raises(Unusable, match="the program age is not") as missing:
        seal_to_hardware(device.identity_file, environ=environ, tell=told.append)
    assert "apt install age" in missing.value.hint
    with pytest.raises(Unusable, match="the program age is not"):
        find_age({"PATH": ""})


@pytest.mark.parametrize(("said", "is_old"), [("1.0.0", True), ("v1.1.1", False), ("v2.0", False), ("(devel)", False)])
def test_an_age_that_runs_no_plugins_is_refused_by_its_version(tmp_path: Path, said: str, is_old: bool) -> None:
    program = tmp_path / "age"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    if is_old:
        with pytest.raises(Unusable, match=r"age is age 1\.0, which runs no plugins"):
            find_age({"PATH": str(tmp_path)})
    else:
        assert find_age({"PATH": str(tmp_path)}).path == str(program)


def test_a_folder_where_others_could_put_a_program_is_not_looked_in(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    hijacked = tmp_path / "open-to-all"
    hijacked.mkdir()
    for name in ("age", f"age-plugin-{NAME}"):
        (hijacked / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
        (hijacked / name).chmod(0o755)
    hijacked.chmod(0o777)
    monkeypatch.chdir(hijacked)
    for folder in (str(hijacked), ".", ""):
        environ = {**environ_of(device), "PATH": f"{folder}:{environ_of(device)['PATH']}"}
        by = seal_to_hardware(device.identity_file, environ=environ, tell=told.append)
        assert open_by_hardware(by.parameters, environ=environ, tell=told.append) == by.outer
    assert not (tmp_path / "was-run").exists()


def test_leak_13_a_plugin_gets_nothing_of_our_surroundings(
    device: Device, told: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """AGEDEBUG among them: with it age prints what it says to its plugins, keys and PINs too."""
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    opened(sealed_to(device, told), device, told)
    os.close(read_end)
    os.close(write_end)
    for noted in device.noted:
        assert set(noted["variables"]) <= {"PATH", "HOME", "PWD", "LC_CTYPE"}  # type: ignore[call-overload]
        assert noted["pipes"] == []
    assert told == []
    assert capfd.readouterr() == ("", "")


def test_leak_04_the_outer_key_is_in_no_argument_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    """Asked of the kernel, while it runs: what a program in age's place was called with, and what lay in its folders."""
    spy = tmp_path / "bin" / "age"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\ntr "\\0" "\\n" </proc/$$/cmdline >>{tmp_path}/argv\nexec {shutil.which("age")} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    by = seal_to_hardware(native_identity(tmp_path), environ={"PATH": f"{spy.parent}:/usr/bin:/bin"}, tell=told.append)
    said = (tmp_path / "argv").read_text()
    assert "--decrypt" in said
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for form in (by.outer.reveal(), by.outer.reveal().hex().encode(), b64encode(by.outer.reveal())):
        assert form not in everything
    assert list((tmp_path / "tmp").iterdir()) == []


def test_nobody_who_touches_it_is_not_waited_for_for_ever(
    device: Device, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    by = sealed_to(device, told)
    device.set(hangs=True)
    monkeypatch.setattr(age_program, "PATIENCE_S", 2.0)
    began = time.monotonic()
    try:
        with pytest.raises(AgeRefused, match="no answer within 2 seconds"):
            opened(by, device, told)
    finally:
        for one in device.noted:  # none, where a busy machine did not come so far
            if "hangs" in one:
                with suppress(ProcessLookupError):
                    os.kill(int(str(one["hangs"])), signal.SIGKILL)
    assert time.monotonic() - began < 20


def test_a_plugin_that_dies_is_a_refusal(device: Device, told: list[str]) -> None:
    by = sealed_to(device, told)
    device.set(dies=True)
    with pytest.raises(AgeRefused, match="age: kwdouble plugin: "):
        opened(by, device, told)


def test_a_plugin_that_never_stops_talking_fills_no_memory(
    device: Device, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    by = sealed_to(device, told)
    device.set(floods=True)
    began: list[float] = []

    def monotonic() -> float:  # two seconds after its first word its time is over, however long that took to come
        now = time.monotonic()
        if told and not began:
            began.append(now)
        return now + (age_program.PATIENCE_S if began and now - began[0] > 2 else 0)

    told.clear()
    monkeypatch.setattr(age_program, "time", SimpleNamespace(monotonic=monotonic))
    with pytest.raises(AgeRefused):
        opened(by, device, told)
    assert told
    assert sum(map(len, told)) <= age_program.MOST_SAID


@pytest.mark.parametrize("spelled", ["yes", "head -c 1000000 /dev/zero"])
def test_what_gives_more_than_was_sealed_is_stopped(tmp_path: Path, spelled: str, told: list[str]) -> None:
    by = seal_to_hardware(native_identity(tmp_path), environ=os.environ, tell=told.append)
    program = tmp_path / "bin" / "age"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo 1.1.1 && exit\nexec {spelled}\n")
    program.chmod(0o755)
    with pytest.raises(Unusable, match="more than it can have been given"):
        open_by_hardware(by.parameters, environ={"PATH": f"{program.parent}:/usr/bin:/bin"}, tell=told.append)


def test_a_program_that_is_ended_is_a_refusal(device: Device, told: list[str]) -> None:
    by = sealed_to(device, told)
    device.set(hangs=True)

    def end_it() -> None:
        while not any("hangs" in one for one in device.noted):
            time.sleep(0.05)
        plugin = int(str(device.noted[-1]["hangs"]))
        parent = int(Path(f"/proc/{plugin}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(parent, signal.SIGTERM)
        os.kill(plugin, signal.SIGKILL)

    ending = threading.Thread(target=end_it)
    ending.start()
    with pytest.raises(AgeRefused, match="was ended before it was through"):
        opened(by, device, told)
    ending.join()


def test_a_surrounding_says_nothing_to_what_was_made_before(tmp_path: Path, device: Device, told: list[str]) -> None:
    """What was sealed is not sealed again where the protection is kept: nobody is asked twice."""
    by = sealed_to(device, told)
    asked = len(device.noted)
    parameters, outer = by.make(Surroundings("db_1", tmp_path / "vault.key", {}), protection_id="vpr_1")
    assert (outer, parameters) == (by.outer, dict(by.parameters))
    assert len(device.noted) == asked
