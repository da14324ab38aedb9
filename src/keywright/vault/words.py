"""`Words`: what is said to a person, as it was written, so that a surface can say it in another language. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A message and a hint, both with the names of their values in braces. Written as literals: translations find them."""

    message: str
    hint: str = ""
