"""Who is asking: accounts, passwords, second factors, sessions. Start with `entrance`, the way in.

`model` the nouns; pure: `rules` what is acceptable, `totp` codes by time step, `recovery` codes on paper, `devices` known
browsers, `limits` how often one may try; `passwords` Argon2id with bounded concurrency; `store` the queries; verbs:
`service` accounts, `factors`, `sessions`, `operators`; `entrance` joins them into the way in.
"""
