"""Doubles of KuCoin, Binance and Bitfinex on the loopback, and two proxies. Start at `exchange.Double`.

They verify what is signed with `keywright.protocol`, hold keys with rights, addresses, dates and nonces, have clocks that can
be set wrong, and answer with documented bodies, each citing its source. Nothing of `keywright.vault` is used.
"""
