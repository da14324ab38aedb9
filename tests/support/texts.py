"""What Keywright says, in every language, read once: to read the catalogues takes longer than most tests."""

from __future__ import annotations

from functools import cache

from keywright.web.texts import Texts


@cache
def all_texts(*, with_pseudo: bool = False) -> Texts:
    """Return the texts that come with Keywright. They never change."""
    return Texts.load(with_pseudo=with_pseudo)
