"""docs/signing.md, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import keywright

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "signing.md"


def test_every_block_of_the_page_runs_in_its_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(block, names)  # noqa: S102
    assert len(blocks) == 4
    said = capsys.readouterr().out
    assert "Signer('kucoin', •••)" in said
    assert "Tr4ding-Pass" not in said
    assert names["first"].headers[0][0] == b"kc-api-key"


def test_every_field_of_what_was_proved_is_told() -> None:
    said = PAGE.read_text("utf-8")
    assert not [name for name in keywright.Proved.__dataclass_fields__ if f"`{name}`" not in said]
