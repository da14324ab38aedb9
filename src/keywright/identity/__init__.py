"""Who is asking: accounts, their passwords and second factors. As far as API keys need an owner; signing in comes next.

`model` the nouns, `rules` what is acceptable (pure), `totp` codes by time step (pure), `passwords` Argon2id with bounded
concurrency, `store` the queries, `service` the verbs.
"""
