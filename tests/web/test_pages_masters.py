"""How a key is rotated through a master connection, at the console."""

from __future__ import annotations

import json

from keywright.app.services import Services
from tests.support.holding import pool
from tests.support.visitor import Caller
from tests.web.test_pages_exchanges import connects, said


async def test_a_key_that_no_master_is_above_is_rotated_by_hand(ada: Caller, services: Services) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada) == 303
    await ada.get("/exchanges")
    here = json.loads(json.dumps(ada.text)).split('href="/exchanges/con_')[1].split('"')[0]
    await ada.get(f"/exchanges/con_{here}")
    assert "Rotate through a master key" not in said(ada)
    refused = await ada.post(f"/exchanges/con_{here}/rotate", through="master", code=ada.code())
    assert refused.status_code == 409, said(ada)
    assert "o master connection is named for grid" in said(ada), said(ada)


async def test_a_master_key_is_taken_only_by_that_name(ada: Caller, services: Services) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada, purpose="master", bots="") != 303
    assert "his key can do more than a master key needs (Spot)" in said(ada), said(ada)
    assert 'value="sub-account-keys"' in ada.text
    assert 'name="purpose" value="master" checked' in ada.text
