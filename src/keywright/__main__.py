"""`python -m keywright` and the `keywright` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Without the server extra, say how to get it."""
    try:
        from keywright.cli.main import run  # noqa: PLC0415  so that a missing extra is a sentence, not a traceback
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "keywright":
            raise
        sys.exit(f"keywright: {error.name} is not installed\n  hint: pip install 'keywright[server]'")
    sys.exit(run())


if __name__ == "__main__":
    main()
