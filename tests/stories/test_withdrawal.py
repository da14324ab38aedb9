"""Money leaves: unmodified clients order it, its owner confirms it, and whatever dies in between, it is paid once."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keywright.app.services import opened
from keywright.audit.events import Actor
from keywright.clock import wall_clock_ms
from keywright.identity.destinations import destination
from keywright.identity.model import FactorProof
from keywright.settings import Settings
from tests.stories.test_trade import ccxt_client, sdk_client
from tests.support.server import Codes, Installation, Server, Values

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore:.*invalid escape sequence"),
]

TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"
PATIENCE_SECONDS = 20


def lists(installation: Installation) -> None:
    """Put the address on the demo account's list, as its owner would at the console."""

    async def add() -> None:
        async with opened(Settings(data_dir=str(installation.data))) as services, services.database.write() as tx:
            [account] = await services.identity.accounts(tx)
            now = wall_clock_ms()
            proof = FactorProof(account.id, "totp", now)
            to = destination("USDT", "trx", TRON)
            actor = Actor(account.id)
            await services.whitelist.add(tx, account.id, to, label="Cold wallet", proof=proof, actor=actor, now=now)

    asyncio.run(add())


def payer(installation: Installation, codes: Codes) -> Values:
    """Make a key that may withdraw, from here."""
    passphrase = "Tide-wharf-29-Q"
    typed = f"{passphrase}\n{codes.next()}\n"
    wish = ("--permission", "withdraw", "--address", "127.0.0.1", "--json")
    made = installation.cli("keys", "create", "payer", *wish, stdin=typed)
    assert made.code == 0, made.err
    return Values(made.json["id"], made.json["secret"], passphrase)


def waiting(installation: Installation) -> str:
    """Return the id of the one approval that waits."""
    [found] = installation.cli("approvals", "list", "--json").json["approvals"]
    return str(found["id"])


def becomes(exchange: Any, withdrawal_id: str, status: str) -> dict[str, Any]:
    """Return the withdrawal once it has this status."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = {one["id"]: one for one in exchange.fetch_withdrawals("USDT")}[withdrawal_id]
        if found["status"] == status:
            return dict(found)
        assert time.monotonic() < until, found
        time.sleep(0.1)


def main_of(exchange: Any) -> tuple[Decimal, Decimal]:
    balance = exchange.fetch_balance({"type": "main"})["USDT"]
    return Decimal(str(balance["free"])), Decimal(str(balance["used"]))


def withdraw(exchange: Any, amount: float) -> str:
    return str(exchange.withdraw("USDT", amount, TRON, {"network": "TRC20"})["id"])


def paid_events(installation: Installation) -> int:
    listed = installation.cli("audit", "list", "--json", "--kind", "approval.consumed").json
    return len(listed["events"])


def test_ccxt_and_the_sdk_withdraw_and_a_killed_server_pays_once(tmp_path: Path) -> None:
    import ccxt

    installation = Installation(tmp_path)
    with installation.serving() as server:
        codes = Codes(installation.demo()["totp_secret"])
        values = payer(installation, codes)
        exchange = ccxt_client(server, values)
        with pytest.raises(ccxt.ExchangeError, match="not on the list"):
            withdraw(exchange, 250)
        lists(installation)
        ordered = withdraw(exchange, 250)
        assert becomes(exchange, ordered, "pending")["amount"] == 250
        assert main_of(exchange) == (Decimal("9748.5"), Decimal("251.5"))
        confirmed = installation.cli("approvals", "confirm", waiting(installation), stdin=codes.next())
        assert confirmed.code == 0, confirmed.err
        paid = becomes(exchange, ordered, "ok")
        assert (paid["address"], paid["fee"]["cost"]) == (TRON, 1.5)
        assert main_of(exchange) == (Decimal("9748.5"), Decimal(0))
        withdraw_with_the_sdk(server, values, installation)

        second = withdraw(exchange, 100)
        server.kill()
    confirmed = installation.cli("approvals", "confirm", waiting(installation), stdin=codes.next())
    assert confirmed.code == 0, confirmed.err
    assert paid_events(installation) == 1  # nobody is there to pay it
    for _ in range(2):
        with installation.serving() as server:
            exchange = ccxt_client(server, values)
            becomes(exchange, second, "ok")
            assert main_of(exchange) == (Decimal(9647), Decimal(0))
            assert paid_events(installation) == 2
            server.kill()
    assert installation.cli("audit", "verify").code == 0


def withdraw_with_the_sdk(server: Server, values: Values, installation: Installation) -> None:
    """Order by the official client, look, and cancel: the money is back."""
    from kucoin_universal_sdk.generate.account.withdrawal import (
        CancelWithdrawalReqBuilder,
        GetWithdrawalHistoryReqBuilder,
        WithdrawalV3ReqBuilder,
    )
    from kucoin_universal_sdk.generate.account.withdrawal.model_withdrawal_v3_req import WithdrawalV3Req

    api = sdk_client(server, values).get_account_service().get_withdrawal_api()
    kind = WithdrawalV3Req.WithdrawTypeEnum.ADDRESS
    wish = WithdrawalV3ReqBuilder().set_currency("USDT").set_to_address(TRON).set_withdraw_type(kind)
    ordered = api.withdrawal_v3(wish.set_chain("trx").set_amount("10").build()).withdrawal_id
    history = api.get_withdrawal_history(GetWithdrawalHistoryReqBuilder().set_currency("USDT").build())
    assert {one.id: one.status.value for one in history.items}[ordered] == "PROCESSING"
    waiting(installation)
    api.cancel_withdrawal(CancelWithdrawalReqBuilder().set_withdrawal_id(ordered).build())
    history = api.get_withdrawal_history(GetWithdrawalHistoryReqBuilder().set_currency("USDT").build())
    assert {one.id: one.status.value for one in history.items}[ordered] == "FAILURE"
    assert installation.cli("approvals", "list", "--json").json["approvals"] == []
