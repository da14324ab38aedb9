"""How secrets rest: sealed under a keyring, whose keys are sealed under a wrapping key kept in another folder.

`wrapping` is the key file (0600), `keyring` the versions and what is derived from them, `envelope` seals a value to the
one row it belongs to. Nothing here knows a database: bytes in, bytes out. Few listed modules may import `envelope`.
"""
