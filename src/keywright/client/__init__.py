"""Signing for HTTP clients: `KeywrightAuth` for httpx and its kin, `KeywrightMiddleware` for aiohttp (3.12 and later).

Both sign when a request is sent, over the very target and body that go out, and anew for every attempt. Neither imports
an HTTP library. It may use the wires (`keywright.protocol`) and the clock. Start at `signing.Signing`.
"""

from __future__ import annotations

from keywright.client.aiohttp_hook import KeywrightMiddleware
from keywright.client.httpx_auth import KeywrightAuth

__all__ = ["KeywrightAuth", "KeywrightMiddleware"]
