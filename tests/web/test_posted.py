"""What no page could use is refused before any is asked, on each kind of database."""

from __future__ import annotations

from tests.support.clock import FakeClock
from tests.support.household import household
from tests.support.world import World


async def test_a_nul_is_refused_wherever_it_stands(world: World, clock: FakeClock) -> None:
    home = await household(world.services, clock)
    for path in ("/api-management?sub=%00", "/api-management?%00=1", "/api-management/new?sub=a%00b"):
        assert (await home.ada.get(path)).status_code == 400, path
    assert (await home.ada.get("/operator?search=%00")).status_code == 400
    assert (await home.ada.post("/api-management/new", sub="\0")).status_code == 400
    assert (await home.ada.get("/api-management")).status_code == 200
