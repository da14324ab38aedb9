"""What happened: every change of state, written by the verb that makes it, in the same transaction.

`events` are the stable strings, `chain` what is hashed, `log` appends to the chains and verifies them, `checkpoint`
signs and reads statements about them, `checkpoint_files` keeps these, `offline` checks an export without any key. No
change without its event: when the event can't be written, the change is undone with it.
"""
