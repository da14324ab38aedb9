"""Ways to the wrapping key of a personal vault: each holds it, wrapped by what only that way brings.

`wrapped` is what they share; one file per kind says where its outer key comes from: `passphrase` from a person,
`key_file`, `os_keyring` and `systemd` from where they stand in, without asking anybody. Bytes in, bytes out: no database.
"""
