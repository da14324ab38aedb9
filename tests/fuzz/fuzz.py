"""`python -m tests.fuzz.fuzz TARGET [libFuzzer's options]`: fuzz one of `targets.TARGETS` with atheris until something is found."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

atheris = import_module("atheris")  # not among the locked packages: install it where it is wanted

with atheris.instrument_imports(include=["keywright.protocol"]):
    from tests.fuzz.targets import SEEDS, TARGETS


def main(arguments: list[str]) -> None:
    """Fuzz; end with an error, and the bytes in a file `crash-…` of this folder, where something is found."""
    if not arguments or arguments[0] not in TARGETS:
        sys.exit(f"name what to fuzz: one of {', '.join(TARGETS)}")
    name, *options = arguments
    with TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS[name]):
            Path(folder, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, folder], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
