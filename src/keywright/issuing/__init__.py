"""API keys that we issue: made, listed, edited, switched off and on, deleted, expired.

`model` the nouns, `rules` what may be issued (pure), `addresses` what an allowlist may hold (pure), `grant` the one
MAC'd record of what a key may do, `material` ids and secrets, `store` the queries, `service` the verbs. Start there.
"""
