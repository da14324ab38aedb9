"""`Reason`: the one vocabulary of why a request was refused. How each is said on the wire is the dialect's business."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from keywright.errors import KeywrightError


class Reason(StrEnum):
    """Stable strings: they stand in usage records, in the docs and in people's alerts. Never rename one."""

    # What the request looks like, before anyone is asked who sent it.
    MALFORMED = "malformed"  # the HTTP message itself: no host, two hosts, a header no server should take
    HEADERS_TOO_LARGE = "headers_too_large"
    BODY_TOO_LARGE = "body_too_large"
    LENGTH_REQUIRED = "length_required"  # chunked bodies, and with them trailers, are not taken
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TARGET_NOT_CANONICAL = "target_not_canonical"
    BODY_NOT_ALLOWED = "body_not_allowed"
    BODY_MALFORMED = "body_malformed"
    ROUTE_UNKNOWN = "route_unknown"
    # What it claims.
    HEADER_MISSING = "header_missing"
    HEADER_REPEATED = "header_repeated"
    TIMESTAMP_MALFORMED = "timestamp_malformed"
    TIMESTAMP_OUT_OF_WINDOW = "timestamp_out_of_window"
    NONCE_MALFORMED = "nonce_malformed"
    NONCE_NOT_INCREASING = "nonce_not_increasing"  # Bitfinex: not above the highest seen of this key
    KEY_VERSION_UNKNOWN = "key_version_unknown"
    KEY_VERSION_OFF = "key_version_off"
    # Whether the claim holds.
    KEY_UNKNOWN = "key_unknown"
    SIGNATURE_MISMATCH = "signature_mismatch"
    PASSPHRASE_MISMATCH = "passphrase_mismatch"
    # Told only to who proved the secret.
    KEY_PENDING = "key_pending"  # nobody has said yet that its secret arrived
    KEY_DISABLED = "key_disabled"
    KEY_REPLACED = "key_replaced"  # its successor took its place
    KEY_EXPIRED = "key_expired"
    KEY_OTHER_ENVIRONMENT = "key_other_environment"
    KEY_FROZEN = "key_frozen"
    KEY_ALTERED = "key_altered"  # its record was edited behind the service's back
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    PERMISSION_MISSING = "permission_missing"
    PERMISSION_FROZEN = "permission_frozen"  # an operator froze it, for every key
    ORDER_LIMIT = "order_limit"
    REPLAYED = "replayed"
    TOO_MANY_REQUESTS = "too_many_requests"
    # Not the caller's fault.
    NOT_SURE = "not_sure"  # no freshness lease, or the shared state is lost: refuse rather than trust
    UPSTREAM_UNREACHABLE = "upstream_unreachable"


class Refused(KeywrightError):
    """A request was refused: `reason` says why, `facts` carry what a hint needs (skew in ms, the client's address …)."""

    def __init__(self, reason: Reason, **facts: Any) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.facts = facts
