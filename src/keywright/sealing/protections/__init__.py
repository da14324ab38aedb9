"""Ways to the wrapping key of a personal vault: each holds it, wrapped by what only that way brings.

`wrapped` is what they share; one file per kind says where its outer key comes from: `passphrase` and
`hardware` from a person, `key_file`, `os_keyring`, `systemd` and `transit` from what they find, without asking anybody. No database.
"""
