"""The account's phone at the console, and a key confirmed by a code that a real gateway for text messages was posted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from keywright.app.services import wire
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.notices.courier import Courier
from keywright.notices.mail import Sender
from keywright.notices.sms import AppriseSms
from tests.notices.test_courier import Pigeon
from tests.support.room import Room, open_room
from tests.support.texts import all_texts
from tests.support.visitor import Caller, console_over
from tests.support.world import World
from tests.web.test_pages_confirming import WISH, keys, make, messages, trader, wrong

__all__ = ["trader"]

pytestmark = pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise

PHONE = "/security/phone"
NUMBER, SHOWN = "+4915112345678", "+49 ••• 78"


@pytest.fixture
def room() -> Iterator[Room]:
    """Give a gateway."""
    with open_room() as room:
        yield room


class Post:
    """Carries what is due: mails to a pigeon, text messages to the gateway."""

    def __init__(self, world: World, room: Room) -> None:
        self.pigeon, self.room = Pigeon(), room
        services = world.services
        self.courier = Courier(
            *(services.database, services.keyring, services.notices, all_texts().of, "https://keys.example.org"),
            *(Sender("Keywright", "keys@example.org"), self.pigeon, None, services.clock),
            sms=AppriseSms([room.sms_url]),
        )

    async def texted(self) -> str:
        """Return the code of the newest text message."""
        await self.courier.round()
        return str(self.room.said[-1]["message"])[:6]

    async def mailed(self) -> str:
        """Return the code of the newest mail that has one."""
        await self.courier.round()
        texts = [str(one.get_content()) for one in self.pigeon.sent]
        return [found[1] for text in texts if (found := re.search(r"^    (\d{6})$", text, re.MULTILINE))][-1]


@pytest.fixture
def post(world: World, room: Room) -> Post:
    return Post(world, room)


async def adds(trader: Caller, post: Post) -> None:
    """Add the phone, and let codes go there."""
    await trader.post("/step-up", code=trader.code(), next=PHONE)
    await trader.get(PHONE)
    assert (await trader.post(f"{PHONE}/code", phone="+49 1511 2345678")).status_code == 200
    assert NUMBER in trader.text
    answer = await trader.post(PHONE, phone=NUMBER, sms_code=await post.texted())
    assert answer.headers["location"].endswith("done=phone-set")
    await trader.get(PHONE)
    assert SHOWN in trader.text
    assert NUMBER not in trader.text
    await trader.post(f"{PHONE}/choice-code", follow=True)
    answer = await trader.post(f"{PHONE}/choose-phone", mail_code=await post.mailed())
    assert answer.headers["location"].endswith("done=codes-to-phone"), trader.text
    await trader.get(PHONE)


async def test_k5_a_key_is_confirmed_by_the_code_that_was_texted(trader: Caller, world: World, post: Post) -> None:
    await adds(trader, post)
    await trader.get("/security")
    assert f"Codes that confirm a new key go to {SHOWN}" in trader.text
    await trader.post("/api-management/new", **WISH)
    assert f"sent to {SHOWN}" in trader.text
    await trader.post("/api-management/send-code", **WISH)
    assert f"A code is on its way to {SHOWN}" in trader.text
    mails = len(post.pigeon.sent)
    code = await post.texted()
    assert post.room.said[-1]["to"] == NUMBER
    assert f'"{WISH["name"]}": read, trade' in post.room.said[-1]["message"]
    assert not [one["Subject"] for one in post.pigeon.sent[mails:] if "Confirm" in one["Subject"]]
    assert await make(trader, wrong(code)) == 403
    assert await make(trader, code) == 200
    (key,) = await keys(trader, world)
    assert await make(trader, code, name="another") == 403, "it serves once"
    await trader.post(f"/api-management/{key.id}/acknowledge")
    await trader.get(f"/api-management/{key.id}")
    await trader.post(f"/api-management/{key.id}/rotate/send-code")
    assert f"A code is on its way to {SHOWN}" in trader.text
    assert await post.texted() != code or len(post.room.said) == 3
    assert len(await messages(trader, world)) == 2


async def test_what_is_wrong_is_said_at_its_field(trader: Caller, post: Post) -> None:
    await trader.get(PHONE)
    for typed, said in (("01511 2345678", "no phone number"), ("+49 30 123456", "mobile phone")):
        answer = await trader.post(f"{PHONE}/code", phone=typed, code=trader.code())
        assert answer.status_code == 400
        assert 'href="#new-phone"' in trader.text
        assert said in trader.text
    await trader.post(f"{PHONE}/code", phone=NUMBER)
    code = await post.texted()
    assert (await trader.post(PHONE, phone=NUMBER, sms_code=wrong(code))).status_code == 403
    assert 'href="#verify-sms_code"' in trader.text
    assert f'name="phone" value="{NUMBER}"' in trader.text, "the right one can still be typed"
    assert (await trader.post(PHONE, phone="+436641234567", sms_code=code)).status_code == 403
    assert (await trader.post(PHONE, phone=NUMBER, sms_code=code)).status_code == 303
    await trader.get(PHONE)
    await trader.post(f"{PHONE}/choice-code", follow=True)
    assert (await trader.post(f"{PHONE}/choose-phone", mail_code=wrong(await post.mailed()))).status_code == 403
    assert 'href="#choice-mail_code"' in trader.text
    texted = len(post.room.said)
    answers = [(await trader.post(f"{PHONE}/code", phone=f"+49151123456{at:02}")).status_code for at in range(6)]
    assert answers == [200] * 4 + [429] * 2
    await post.courier.round()
    assert len(post.room.said) <= texted + 4


async def test_it_is_removed_and_codes_come_by_mail(trader: Caller, post: Post) -> None:
    await adds(trader, post)
    answer = await trader.post(f"{PHONE}/remove")
    assert answer.headers["location"].endswith("done=phone-removed")
    await trader.get("/api-management/new")
    await trader.post("/api-management/send-code", **WISH)
    assert f"A code is on its way to {trader.email}" in trader.text


@pytest.mark.parametrize("language", ["en", "de", "fr"])
async def test_without_a_gateway_none_is_offered_and_the_page_says_why(
    ada: Caller, world: World, language: str
) -> None:
    services = wire(
        world.services.database, world.services.keyring, policy=Policy(), clock=world.clock, hasher=CHEAPEST
    )
    ada = Caller(console_over(services), world.clock)
    await ada.arrive()
    await ada.post("/language", language=language, next="/security")
    await ada.get(PHONE)
    why = {"en": "set up no gateway", "de": "keinen SMS-Dienst eingerichtet", "fr": "aucune passerelle SMS"}[language]
    assert why in ada.text
    assert "/security/phone/code" not in ada.text
    assert (await ada.post(f"{PHONE}/code", phone=NUMBER, code=ada.code())).status_code == 409
