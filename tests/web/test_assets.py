from __future__ import annotations

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from keywright.web.app import Console
from keywright.web.assets import STATIC, Assets
from tests.support.visitor import ask

MANIFEST = json.loads((STATIC / "vendor" / "manifest.json").read_text("utf-8"))


def test_addresses_change_with_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}", "utf-8")
    before = Assets(tmp_path).url("a.css")
    assert before == f"/static/a.{sha256(b'a{}').hexdigest()[:12]}.css"
    (tmp_path / "a.css").write_text("b{}", "utf-8")
    assert Assets(tmp_path).url("a.css") != before


def test_what_is_named_is_found() -> None:
    assets = Assets()
    assert set(assets.names) == {
        "captcha.js",
        "console.css",
        "console.js",
        "passkeys.js",
        "favicon.svg",
        "help.css",
        "key_made.js",
        "usage.js",
        "vendor/altcha.css",
        "vendor/altcha.min.js",
        "vendor/altcha.pbkdf2.js",
        "vendor/htmx.min.js",
        "vendor/uplot.min.css",
        "vendor/uplot.min.js",
    }
    for name in assets.names:
        found = assets.find(assets.url(name).removeprefix("/static/"))
        assert found is not None
        assert found[0] == (STATIC / name).read_bytes()
        assert assets.integrity(name).startswith("sha384-")


def test_files_are_packed_and_come_out_as_they_were() -> None:
    assets = Assets()
    for name in assets.names:
        found = assets.find(assets.url(name).removeprefix("/static/"), is_packed=True)
        assert found is not None
        assert gzip.decompress(found[0]) == (STATIC / name).read_bytes()
        assert len(found[0]) < len((STATIC / name).read_bytes()) or name == "favicon.svg"


@pytest.mark.parametrize(
    ("said", "is_packed"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("gzip;q=1.0", True),
        ("br", False),
        ("", False),
    ],
)
async def test_only_who_says_so_gets_files_packed(console: Console, said: str, is_packed: bool) -> None:
    """And no page ever is: it holds secrets beside what others put there."""
    address = Assets().url("console.css")
    answer = await ask(console, "GET", address, [("accept-encoding", said)])
    assert (answer.header("content-encoding") == "gzip") is is_packed
    assert answer.header("vary") == "Accept-Encoding"
    body = gzip.decompress(answer.body) if is_packed else answer.body
    assert body == (STATIC / "console.css").read_bytes()
    assert (await ask(console, "GET", "/sign-in", [("accept-encoding", said)])).header("content-encoding") is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "console.css",
        "vendor/manifest.json",
        "vendor/altcha.LICENSE",
        "vendor/htmx.LICENSE",
        "vendor/uplot.LICENSE",
        "../assets.py",
        "/etc/passwd",
        "vendor/",
    ],
)
def test_nothing_else_is_served(name: str) -> None:
    assert Assets().find(name) is None


def test_what_is_borrowed_is_what_its_maker_published() -> None:
    borrowed = {path.name for path in (STATIC / "vendor").iterdir() if path.suffix in {".js", ".css"}}
    assert borrowed == MANIFEST.keys()
    for name, said in MANIFEST.items():
        body = (STATIC / "vendor" / name).read_bytes()
        assert sha256(body).hexdigest() == said["sha256"]
        named = (
            f'"{said["version"]}"'.encode(),
            f'version:"{said["version"]}"'.encode(),
            f"(v{said['version']})".encode(),
        )
        assert name.endswith((".css", ".pbkdf2.js")) or any(version in body for version in named)
        assert (STATIC / "vendor" / said["licence_file"]).is_file()
        assert said["source"].startswith("https://registry.npmjs.org/")


def test_nothing_is_fetched_from_elsewhere() -> None:
    for name in ("captcha.js", "console.css", "console.js", "key_made.js", "usage.js", "passkeys.js", "favicon.svg"):
        text = (STATIC / name).read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|//[a-z]|@import|url\(", text)


@pytest.mark.parametrize("name", ["captcha.js", "console.js", "key_made.js", "usage.js", "passkeys.js"])
def test_no_script_keeps_or_evaluates_anything(name: str) -> None:
    script = (STATIC / name).read_text("utf-8")
    for word in ("localStorage", "setItem", "eval(", "Function(", "innerHTML", "document.cookie", ".style"):
        assert word not in script
