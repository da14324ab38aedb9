"""What owners are told: an outbox written in the same transaction as what happened, and a courier that empties it.

Start with `service`: `hear` listens to the audit log, `post` and `post_code` are for other parts. `wording` says what each
kind of notice says, `saying` fills it in, `mail` makes a message of it, `links` signs its way to the switch. `courier`
takes what is due to a carrier: `smtp`, `chat`, or files in `outbox`.
"""
