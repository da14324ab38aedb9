"""Keywright: exchange-style API keys, issued, enforced at a gateway, and held for other exchanges.

Start reading at `gateway/admit.py` (the way of a signed request) and `issuing/service.py` (the way of a new key).
"""

__version__ = "0.1.0"
