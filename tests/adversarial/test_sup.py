"""SUP: what is installed is what was locked, whatever an index offers under the same name."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP = ROOT / ".tools" / "bin" / "pip"
SETUP = ROOT / "scripts" / "setup.txt"


def poisoned(folder: Path, version: str) -> None:
    """Offer another `uv` of this version, as whoever took over an index would."""
    about = f"uv-{version}.dist-info"
    with zipfile.ZipFile(folder / f"uv-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("uv/__init__.py", "raise SystemExit('taken over')\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


@pytest.mark.parametrize("hashed", [True, False])
def test_sup_01_the_tool_that_installs_is_taken_by_its_hash_only(tmp_path: Path, *, hashed: bool) -> None:
    version = SETUP.read_text().split("uv==")[1].split()[0]
    for one in (version, "99.0.0"):
        poisoned(tmp_path, one)
    wanted = ["--require-hashes", "-r", str(SETUP)] if hashed else [f"uv=={version}"]
    done = subprocess.run(
        [
            PIP,
            "install",
            "--no-index",
            "--find-links",
            tmp_path,
            "--target",
            tmp_path / "into",
            "--only-binary",
            ":all:",
            *wanted,
        ],
        env={
            **{key: text for key, text in os.environ.items() if not key.startswith("PIP_")},
            "PIP_CONFIG_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is not hashed, done.stderr  # without hashes it would have been taken
    assert (tmp_path / "into" / "uv").exists() is not hashed
    assert ("DO NOT MATCH THE HASHES" in done.stderr) is hashed


def test_sup_01_everything_that_is_locked_has_a_hash() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    fetched = [package for package in lock["package"] if "registry" in package["source"]]
    assert len(fetched) > 50
    for package in fetched:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]
    others = {package["name"]: package["source"] for package in lock["package"] if "registry" not in package["source"]}
    assert others == {"keywright": {"editable": "."}}


def test_sup_01_setting_up_takes_the_lock_as_it_is() -> None:
    """`uv sync --locked` fails where the lock would have to change, and takes no file whose hash differs."""
    make = (ROOT / "Makefile").read_text()
    assert "sync --quiet --locked " in make
    assert make.count("pip install") == make.count("--require-hashes -r scripts/setup.txt") == 1


def built(folder: Path, kind: str) -> Path:
    """Build what would be published; without the compiled part, which is a compiler's."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000", "KEYWRIGHT_PURE": "1"},
        capture_output=True,
        check=True,
    )
    (made,) = folder.iterdir()
    return made


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_sup_05_what_is_published_is_the_same_bytes_each_time_and_nothing_but_the_product(
    tmp_path: Path, kind: str
) -> None:
    first, second = (built(tmp_path / name, kind) for name in ("first", "second"))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    if kind == "wheel":
        with zipfile.ZipFile(first) as packed:
            modes = {one.filename: one.external_attr >> 16 & 0o777 for one in packed.infolist()}
        tops = {"keywright", "keywright-0.1.0.dist-info"}
    else:
        with tarfile.open(first) as unpacked:
            modes = {one.name.partition("/")[2]: one.mode & 0o777 for one in unpacked.getmembers() if one.isfile()}
        tops = {"src", "README.md", "LICENSE", "hatch_build.py", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert {name.partition("/")[0] for name in modes} <= tops
    assert not [name for name in modes if name.endswith((".pyc", ".key", ".db", ".po~", ".so"))]
    assert not [name for name in modes if "/tests/" in name or "/.git/" in name]
    assert {mode & 0o022 for mode in modes.values()} == {0}, "somebody else could write to it"
