"""The paper exchange behind the gateway: KuCoin's REST over a ledger and a matching engine. An ordinary upstream.

It knows whose request it is (`message.Identity`) and nothing about keys; it keeps tables of its own and never reads a
clock. `model` the nouns; pure: `amounts`, `markets`, `prices`, `matching`, `settlement`, `ledger`, `ordering`; `store`
the queries, `service` the verbs; `app` is the way in: start there, then read `service.place`.
"""
