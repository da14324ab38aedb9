"""The wires of the exchanges, bytes in and bytes out: no clock, no I/O, nothing random.

`message` names what travels, `refusal` why it was refused, one module per exchange speaks its dialect (`kucoin`), and
`strict_json` reads bodies that two parsers could not read differently. Start at `kucoin.KucoinDialect`.
"""
