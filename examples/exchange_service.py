"""An exchange with a login of its own, whose users land in Keywright's API Management: no Keywright password anywhere.

Run it, then start Keywright with KEYWRIGHT_LOGIN_ISSUER=https://exchange.example, KEYWRIGHT_LOGIN_JWKS_FILE=exchange.jwks.json
and KEYWRIGHT_LOGIN_URL=http://localhost:8500/login, open http://localhost:8400/login and sign in as ada.
"""

import html
import json
import os
import secrets
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

ISSUER, KEYWRIGHT = "https://exchange.example", os.environ.get("OFFICIAL_ADDRESS", "http://localhost:8400")
USERS = {"ada": os.environ.get("ADA_PASSWORD", "trades-by-night")}  # yours: hashed, and asking for a second factor
KEY = Ed25519PrivateKey.generate()  # yours: kept, and its public half published
FORM = """<!doctype html><title>Exchange</title><h1>Sign in to the exchange</h1><form method=post>
<label>User <input name=user></label> <label>Password <input name=password type=password></label>
<input type=hidden name=nonce value="{nonce}"><button>Sign in</button></form>"""
ONWARD = """<!doctype html><title>Exchange</title><form method=post action="{to}">
<input type=hidden name=assertion value="{assertion}"><button>Go on to API Management</button></form>
<script>document.forms[0].submit()</script>"""


def assertion(user: str, nonce: str) -> str:
    """Say that this user signed in with a second factor this moment, for the browser that Keywright sent."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": KEYWRIGHT, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(24)}
    said |= {"sub": user, "factor_at": now, "identity": "approved", "whitelist": "on", "nonce": nonce}
    return jwt.encode(said, KEY, algorithm="EdDSA", headers={"kid": "2026-a"})


async def login(request: Request) -> HTMLResponse:
    """Show our own login; who signs in is sent back to where Keywright takes assertions, and nowhere else."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    nonce, user = form.get("nonce") or request.query_params.get("nonce", ""), form.get("user", "")
    if user in USERS and secrets.compare_digest(form.get("password", "").encode(), USERS[user].encode()):
        return HTMLResponse(ONWARD.format(to=KEYWRIGHT + "/login/assertion", assertion=assertion(user, nonce)))
    return HTMLResponse(FORM.format(nonce=html.escape(nonce)))


if __name__ == "__main__":
    member = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key())) | {"kid": "2026-a"}
    Path("exchange.jwks.json").write_text(json.dumps({"keys": [member]}), "utf-8")
    app = Starlette(routes=[Route("/login", login, methods=["GET", "POST"])])
    uvicorn.run(app, port=int(sys.argv[1]) if len(sys.argv) > 1 else 8500)
