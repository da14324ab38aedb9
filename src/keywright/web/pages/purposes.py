"""What a new key is for: each purpose fills the form in with what it takes and nothing more. Pure."""

from __future__ import annotations

from gettext import NullTranslations

from keywright.web.model import Purpose

CUSTOM = "custom"
"""Where nobody said what the key is for: it reads, and everything else is theirs to tick."""


def purposes_of(texts: NullTranslations) -> tuple[Purpose, ...]:
    """Return what one may choose from. The names that are suggested are a program's, and the same in every language."""
    _ = texts.gettext
    better = _("Name the address your program runs at: without it the key is weaker, and it expires.")
    useful = _("Addresses are not needed to read. Where you know them, they keep others from reading along.")
    return (
        Purpose(
            "portfolio",
            _("Read-only portfolio"),
            _("Shows balances, orders and trades in an app or a spreadsheet. Can’t move anything."),
            name="Portfolio",
            advice=useful,
        ),
        Purpose(
            "spot-bot",
            _("Spot bot"),
            _("Places and cancels spot orders. Can’t move money."),
            name="SpotBot",
            permissions=("read", "trade"),
            advice=better,
        ),
        Purpose(
            "futures-bot",
            _("Futures bot"),
            _("Places and cancels futures orders. Can’t move money."),
            name="FuturesBot",
            permissions=("read", "trade"),
            environment="futures",
            advice=better,
        ),
        Purpose(
            "export",
            _("Tax and accounting export"),
            _("Reads your history for a report. Delete the key when the report is done."),
            name="Export",
            advice=useful,
        ),
        Purpose(
            "payouts",
            _("Withdraw to my own addresses"),
            _("Orders withdrawals. The most dangerous kind of key: only for a program that pays out."),
            name="Payouts",
            permissions=("read", "withdraw"),
            advice=_("Addresses are needed: such a key works from nowhere else."),
            is_risky=True,
        ),
        Purpose(CUSTOM, _("Something else"), _("Starts with reading alone. Tick the rest yourself.")),
    )


def purpose_of(name: str, texts: NullTranslations) -> Purpose:
    """Return the purpose of this name; the one that fills in nothing where there is none."""
    found = purposes_of(texts)
    return next((one for one in found if one.code == name), found[-1])
