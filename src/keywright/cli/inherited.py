"""What a command was started with, and changes for itself: given back to a program that takes its place."""

from __future__ import annotations

import os
import signal

umask = 0o077
"""The mask for new files that the command was started with; `main` notes it before it sets its own."""


def restore() -> None:
    """Put back what a program would not expect to be changed: the mask, and the signals that Python ignores.

    No core file may be written all the same: there is a key in the program's memory.
    """
    os.umask(umask)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
