"""The exchanges whose keys can be held."""

from __future__ import annotations

from collections.abc import Mapping

from keywright.vault.evidence import Exchange
from keywright.vault.venues import binance, bitfinex, kucoin
from keywright.vault.venues.venue import Venue

VENUES: Mapping[Exchange, Venue] = {
    Exchange.KUCOIN: kucoin.VENUE,
    Exchange.BINANCE: binance.VENUE,
    Exchange.BITFINEX: bitfinex.VENUE,
}
