"""The pages, by what people come for. Each module ends in `PAGES`: where they stand, what they take, who may see them.

A page takes a `Visit`, makes one call to a verb, and answers. `arriving` sign up, in and out; `second_factor` codes and
authenticators; `account_security` sessions, recovery codes, freeze; `key_pages` the list and one key; `key_making` a new
one; `usage` what a key was used for; `approvals` withdrawals that wait, `withdrawal_addresses` where they may go; `operators`; `machines` what programs ask for.
"""
