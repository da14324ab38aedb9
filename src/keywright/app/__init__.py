"""The composition root: settings become folders, a database, a keyring, services and gateways. Nothing else builds them.

`folders` and `installation` open or make what lies on disk, `services` wires the verbs, `gateways` the doors, `server`
runs them, `demo` makes the sandbox's demo values. The clock is read here only.
"""
