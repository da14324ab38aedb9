"""Who is asking: accounts, passwords, second factors, sessions. Start with `entrance`, the way in.

`model` the nouns; pure: `rules`, `said`, `totp`, `recovery`, `devices`, `limits`, `prerequisites`, `ceremony`; `passwords` Argon2id
with bounded concurrency; `store` the queries; verbs: `service` accounts, `factors`, `passkeys`, `sessions`, `operators`; `attempts`
counts first; `entrance` joins them into the way in. What people keep up to date about themselves is wired in
`particulars`: `own_password`, `trading`, `identities`, `codes` sent to them, and `standing`, the checklist before a key.
"""
