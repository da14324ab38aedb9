"""What is inside a vault's backup: a tar of three files, which whoever opens the age file can look at with `age -d FILE | tar tz`.

`manifest.json` says which vault it is and how far its log was, `vault.db` is the database, `wrapping.key` opens it whatever
became of its protections. Both directions are in memory only: nothing of it is ever on a disk in the clear.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass

from keywright.errors import Unopenable
from keywright.sealing.keyring import KEY_BYTES
from keywright.secret import Secret

FORMAT = 1
NAMES = ("manifest.json", "vault.db", "wrapping.key")
LARGEST = 1 << 30
"""Bytes of a vault that are restored at most: what unpacks to more is no vault."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    vault: str
    events: int
    made_at: int


@dataclass(frozen=True, slots=True)
class Archive:
    """A vault, packed."""

    manifest: Manifest
    database: Secret
    """The file's bytes: sealed themselves, and names are in them."""
    wrapping_key: Secret


def pack(archive: Archive) -> Secret:
    """Return the archive as one file."""
    contents = (
        json.dumps(asdict(archive.manifest)).encode(),
        archive.database.reveal(),
        b64encode(archive.wrapping_key.reveal()) + b"\n",
    )
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in zip(NAMES, contents, strict=True):
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), 0o600, archive.manifest.made_at // 1000
            tar.addfile(member, io.BytesIO(content))
    return Secret(packed.getvalue())


def unpack(packed: Secret) -> Archive:
    """Return what is in a file. Raises `Unopenable` for whatever `pack` did not write: its age file may be anybody's."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed.reveal())) as zipped:
            plain = zipped.read(LARGEST + 1)
        if len(plain) > LARGEST:
            raise ValueError("too large")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
            members = tar.getmembers()
            if [one.name for one in members] != list(NAMES) or any(one.type != tarfile.REGTYPE for one in members):
                raise ValueError("other files")
            said, database, key = (tar.extractfile(one) for one in members)
            if said is None or database is None or key is None:
                raise ValueError("no files")
            manifest = Manifest(**json.loads(said.read()))
            archive = Archive(manifest, Secret(database.read()), Secret(b64decode(key.read().strip(), validate=True)))
        known = (manifest.format, type(manifest.vault), type(manifest.events), type(manifest.made_at))
        if known != (FORMAT, str, int, int) or len(archive.wrapping_key.reveal()) != KEY_BYTES:
            raise ValueError("other words")
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, TypeError, RecursionError):
        raise Unopenable(
            "what is in this file is no vault of Keywright's, or one of a newer version",
            hint="`age -d FILE | tar tz` shows what it is",
        ) from None
    return archive
