"""What happened: every change of state, written by the verb that makes it, in the same transaction.

`events` are the stable strings, `log` appends to a keyed hash chain and verifies it. No change without its event: when
the event can't be written, the change is undone with it.
"""
