"""`Wire`: bytes to one exchange and back, through one way out. What goes is what was given; what comes is bounded.

No redirect is followed, no proxy of the environment is used, no cookie is kept, nothing is sent twice, and what an
exchange can answer with is capped in size and time (SSRF-07, AGT-10).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keywright.errors import Busy, Unusable
from keywright.protocol.message import Header
from keywright.vault.destinations import Origin
from keywright.vault.egress import Lookup, check_egress, look_up
from keywright.vault.way_out import Egress, EgressGone, gone
from keywright.vault.wire_reply import Reply
from keywright.vault.words import Words

if TYPE_CHECKING:
    import aiohttp

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of an answer. Binance's largest, its list of symbols, is above; nothing that is asked with a key comes near."""
CONNECT_S, TOTAL_S = 5.0, 15.0


class Unreachable(Busy):
    """The exchange did not answer, or with what is no answer. Whether a request arrived is not known."""


class BrokenOff(Unreachable):
    """The connection ended before an answer: as one does that was kept open for the next request, at its other end."""


_LOOK = Words(
    "{host} can't be reached: {why}",
    "look at this machine's network, and at the exchange's status page. The key is not to blame",
)
_CERTIFICATE = Words("{host} can't be reached: its certificate does not hold for this name")
_NO_TLS = Words("{host} can't be reached: no encryption came about that can be trusted")
_TOO_LATE = Words("{host} can't be reached: no answer in time")

ROOTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep the roots they trust, in files."""


@cache
def strict_tls() -> ssl.SSLContext:
    """Return a context that verifies name and chain, TLS 1.2 at least, by the system's roots.

    Variables like SSL_CERT_FILE would let whoever starts the process choose other roots, so they are looked past.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    built_in = ssl.get_default_verify_paths()
    file = next((path for path in (built_in.openssl_cafile, *ROOTS) if Path(path).is_file()), None)
    folder = built_in.openssl_capath if Path(built_in.openssl_capath).is_dir() else None
    if file is None and folder is None:
        raise Unusable(
            "this system has no list of certificates to trust", hint="install its package, ca-certificates on most"
        )
    context.load_verify_locations(cafile=file, capath=folder)
    return context


class Wire:
    """Speaks to one origin through one egress. Make it inside a running loop; `close` it there."""

    def __init__(
        self,
        origin: Origin,
        egress: Egress,
        *,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = look_up,
        total_s: float = TOTAL_S,
    ) -> None:
        """Make ready. `tls` is for tests and private roots; otherwise `strict_tls`."""
        import aiohttp  # noqa: PLC0415  when something is to be sent: most commands of a vault send nothing

        from keywright.vault.connector import connector  # noqa: PLC0415  needs it

        self.origin, self.egress = origin, egress
        self._session = aiohttp.ClientSession(
            connector=connector(egress, origin, tls=tls or strict_tls(), lookup=lookup),
            middlewares=(_never_twice,),
            timeout=aiohttp.ClientTimeout(total=total_s, connect=CONNECT_S, sock_connect=CONNECT_S),
            trust_env=False,
            auto_decompress=False,  # nothing compressed is asked for, and nothing is inflated
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=16_384,
            max_field_size=16_384,
        )

    async def send(self, method: str, target: bytes, headers: Iterable[Header] = (), body: bytes = b"") -> Reply:
        """Return what the exchange answered to exactly these bytes.

        Raises `EgressGone` if the way out is not there, `Unusable` if the name leads where no exchange is, `Unreachable`.
        """
        import aiohttp  # noqa: PLC0415
        from yarl import URL  # noqa: PLC0415

        check_egress(self.egress)
        told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        told.append(("user-agent", "keywright"))
        try:
            async with self._session.request(
                method,
                URL(f"{self.origin}{target.decode('ascii')}", encoded=True),
                headers=told,
                data=body or None,
                allow_redirects=False,
            ) as answer:
                return Reply(answer.status, await _capped(answer), _lower(answer.raw_headers))
        except (EgressGone, Unusable):
            raise
        except aiohttp.ClientConnectorCertificateError:
            raise self._unreachable(_CERTIFICATE) from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise self._unreachable(_NO_TLS) from None
        except TimeoutError:
            raise self._unreachable(_TOO_LATE) from None
        except aiohttp.ClientConnectorError as error:
            if self.egress.address and "bind" in str(error.os_error):
                raise gone(self.egress) from None
            raise self._unreachable(_LOOK, why=error.os_error.strerror or "connection lost") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._unreachable(_LOOK, why=type(error).__name__) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def _unreachable(self, words: Words, **values: object) -> Unreachable:
        return Unreachable(words.message, hint=_LOOK.hint, host=self.origin.host, **values)


async def _capped(answer: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MOST_BYTES:
            answer.close()
            raise Unreachable(
                "{host} answered more than {most} bytes",
                hint="no answer that is asked for is that long: look who answers there",
                host=answer.url.host,
                most=MOST_BYTES,
            )
        parts.append(part)
    return b"".join(parts)


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending anything again on a broken connection: what was signed once arrives once."""
    import aiohttp  # noqa: PLC0415

    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if isinstance(error, aiohttp.ClientConnectorError):
            raise
        raise BrokenOff(
            "{host} broke the connection off",
            hint="whether the request arrived is not known: look it up before you send it again",
            host=request.url.host,
        ) from None


def _lower(headers: Any) -> tuple[Header, ...]:
    return tuple((bytes(name).lower(), bytes(value)) for name, value in headers)


def monotonic_ms() -> float:
    """Return the running loop's clock, which never steps, in milliseconds."""
    return asyncio.get_running_loop().time() * 1_000
