"""What waits for its owner: asked for by an upstream, confirmed with a proof of its own, carried out once (K17).

Start with `service`. Whoever holds the funds asks and later consumes; the owner confirms or refuses in between. Rows
carry a MAC over their version in the audit log, so that a row edited or put back by hand confirms nothing.
"""
