"""Style sheet, script and icon, each under an address that changes with its bytes: a browser may keep them for ever.

They are packed once, when they are read. Pages are not packed: they hold secrets beside what others may have put there, and
how well that packs would tell of the secret (BREACH). Nothing in these files is anybody's.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256, sha384
from pathlib import Path

STATIC = Path(__file__).parent / "static"
PREFIX = "/static/"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served. Manifest and licences lie beside the files and are not."""


@dataclass(frozen=True, slots=True)
class _Asset:
    url_name: str
    integrity: str
    body: bytes
    packed: bytes
    content_type: str


class Assets:
    """The files of one folder, read once. Nothing that was not there at the start is ever served."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._by_name = {
            path.relative_to(folder).as_posix(): _read(path, folder)
            for path in sorted(folder.rglob("*"))
            if path.suffix in CONTENT_TYPES
        }
        self._by_url_name = {asset.url_name: asset for asset in self._by_name.values()}

    @property
    def names(self) -> tuple[str, ...]:
        """The files there are, as templates name them."""
        return tuple(self._by_name)

    def url(self, name: str) -> str:
        """Return where the browser finds the file: `console.css` is `/static/console.<12 hex of its sha256>.css`."""
        return PREFIX + self._by_name[name].url_name

    def integrity(self, name: str) -> str:
        """Return what the browser checks the file against."""
        return self._by_name[name].integrity

    def find(self, url_name: str, *, is_packed: bool = False) -> tuple[bytes, str] | None:
        """Return body and content type of what stands under this name after `/static/`, if there is such a thing."""
        asset = self._by_url_name.get(url_name)
        return None if asset is None else (asset.packed if is_packed else asset.body, asset.content_type)


def takes_packed(accept_encoding: str) -> bool:
    """Tell whether a browser that says so unpacks gzip."""
    for one in accept_encoding.lower().split(","):
        name, _, weight = one.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


def _read(path: Path, folder: Path) -> _Asset:
    body = path.read_bytes()
    tagged = path.with_suffix(f".{sha256(body).hexdigest()[:12]}{path.suffix}").relative_to(folder)
    integrity = "sha384-" + b64encode(sha384(body).digest()).decode("ascii")
    packed = gzip.compress(body, mtime=0)
    return _Asset(tagged.as_posix(), integrity, body, packed, CONTENT_TYPES[path.suffix])
