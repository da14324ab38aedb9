"""The management API: what an exchange drives Keywright with from its own pages. Start with `app`, then `call`.

`call` who asks and for whom; `problems` how errors are said (RFC 9457); `shapes` what is sent and answered; `accounts`,
`keys`, `records`, `policy` the routes; `answers` what a call under an Idempotency-Key made; `store` its queries.
No cookie counts here, no browser of another site is let in, and nothing that K16 keeps for a person goes without one.
"""
