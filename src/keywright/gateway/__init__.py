"""The door: every signed request is decided here, in the numbered steps of `admit`, and sent on to what stands behind.

`asgi` turns a server's words into a `message.Request`, `proxy` is the way in that forwards; both go through `admit`.
`replay`, `limits`, `routes` and `address` are pure; `keys` holds opened key records under the freshness lease; `memory`
and `embedded` remember what was seen; `usage` keeps one record a request. Start at `admit.py` and docs/a-signed-request.md.
"""
