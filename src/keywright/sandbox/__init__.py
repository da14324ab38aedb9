"""The paper exchange behind the gateway: KuCoin's REST over a ledger and a matching engine. An ordinary upstream.

It knows whose request it is (`message.Identity`) and nothing about keys; it keeps tables of its own and never reads a
clock. `app` is the way in, `routes` say what answers, `service` has the verbs, `store` the queries, `model` the nouns.
Pure: the market (`prices`, `ladder`), what an order does (`ordering`, `matching`, `settlement`, `ledger`, `watch`), and
how it is told (`answers`, `quotes`, `listings`). Start at `app.Sandbox`, then read `service.place`.
"""
