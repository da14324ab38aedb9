"""Keywright: exchange-style API keys, issued, enforced at a gateway, and held for other exchanges.

Start reading at `gateway/admit.py` (the way of a signed request) and `issuing/service.py` (the way of a new key). What
others may import stands in `__all__`: docs/signing.md. It is loaded when it is first asked for.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keywright.errors import Invalid, KeywrightError
    from keywright.protocol.message import SignedRequest
    from keywright.protocol.native import is_native
    from keywright.protocol.public import Proved, Signer, sign, verify
    from keywright.protocol.refusal import Reason, Refused
    from keywright.secret import Secret

__version__ = "0.1.0"

if os.environ.get("KEYWRIGHT_PURE", "0") != "0":
    # Here, because `protocol` reads no environment; so its import of the compiled part finds nothing.
    sys.modules["keywright.protocol._native"] = None  # type: ignore[assignment]

__all__ = [
    "Invalid",
    "KeywrightError",
    "Proved",
    "Reason",
    "Refused",
    "Secret",
    "SignedRequest",
    "Signer",
    "is_native",
    "sign",
    "verify",
]

_HOMES = {
    "Invalid": "keywright.errors",
    "KeywrightError": "keywright.errors",
    "Proved": "keywright.protocol.public",
    "Reason": "keywright.protocol.refusal",
    "Refused": "keywright.protocol.refusal",
    "Secret": "keywright.secret",
    "SignedRequest": "keywright.protocol.message",
    "Signer": "keywright.protocol.public",
    "is_native": "keywright.protocol.native",
    "sign": "keywright.protocol.public",
    "verify": "keywright.protocol.public",
}


def __getattr__(name: str) -> Any:
    """Return one of the public names, and keep it: importing the package alone costs next to nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'keywright' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value
