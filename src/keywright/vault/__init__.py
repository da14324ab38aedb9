"""Held keys: API keys of other exchanges, taken only once it is proved what they may do, and used only from their address.

`evidence` has the nouns, `preflight` says whether a key may be taken, `diagnosis` what an exchange's refusal means: all
three pure. `client` asks the exchanges, through `egress`, with the times and nonces of `clocks`; what each exchange is
asked, and how its answers read, is in `venues`.
"""
