"""What an installation is made of: with a C compiler and without, it works, and says which it was."""

from __future__ import annotations

import base64
import hmac
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from keywright.protocol.native import native

ROOT = Path(__file__).parent.parent
PROGRAM = """
import keywright
signed = keywright.sign("kucoin", "GET", "/a", key="k", secret="s", passphrase="p", now_ms=1700000000000)
print(keywright.is_native(), dict(signed.headers)[b"kc-api-sign"].decode())
"""
SIGNATURE = base64.b64encode(hmac.digest(b"s", b"1700000000000GET/a", "sha256")).decode()


def _built(folder: Path, **environment: str) -> tuple[Path, str]:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (wheel,) = folder.iterdir()
    return wheel, done.stderr


def _says(wheel: Path, folder: Path) -> str:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    libraries = os.pathsep.join([str(folder), sysconfig.get_path("purelib")])
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        cwd=folder,
        env={"PYTHONPATH": libraries},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(native is None, reason="here is no compiler, or it is to be left alone")
def test_a_wheel_has_the_compiled_part_and_serves_every_later_python(tmp_path: Path) -> None:
    wheel, _ = _built(tmp_path / "wheel")
    assert "-cp311-abi3-" in wheel.name
    assert _says(wheel, tmp_path / "there") == f"True {SIGNATURE}"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"CC": "/no/such/compiler"}, "no C compiler that works"),
        ({"CC": f"{sys.executable} -c 'raise SystemExit(1)'"}, "the compiler failed"),
        ({"CC": "cc -include no_such_header.h"}, "no_such_header.h"),
        ({"KEYWRIGHT_PURE": "1"}, "KEYWRIGHT_PURE is set"),
    ],
    ids=["none", "broken", "no header", "left alone"],
)
def test_what_can_t_be_compiled_is_left_out_and_said(tmp_path: Path, environment: dict[str, str], why: str) -> None:
    wheel, said = _built(tmp_path / "wheel", **environment)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "Python does its work: " in said
    assert why in said
    with zipfile.ZipFile(wheel) as packed:
        assert not [name for name in packed.namelist() if name.endswith((".so", ".c"))]
    assert _says(wheel, tmp_path / "there") == f"False {SIGNATURE}"
