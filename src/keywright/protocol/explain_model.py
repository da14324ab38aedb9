"""What an explanation is made of: `Mistake` names every cause we know, `Explanation` is what `explain` returns.

Rule: every text here may be printed, logged and pasted into a forum. None holds the secret or the passphrase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Mistake(StrEnum):
    """Stable strings: they stand in `--json` and in the docs. Never rename one. What each says is `explain_causes`' table."""

    # The stamp or nonce.
    CLOCK_OFF = "clock_off"
    CLOCK_BEYOND_EXCHANGE = "clock_beyond_exchange"
    STAMP_MALFORMED = "stamp_malformed"
    STAMP_IN_OTHER_UNIT = "stamp_in_other_unit"
    STAMP_SIGNED_IN_OTHER_UNIT = "stamp_signed_in_other_unit"
    STAMP_READ_TWICE = "stamp_read_twice"
    STAMP_OF_OTHER_HEADER = "stamp_of_other_header"
    NONCE_TOO_LARGE = "nonce_too_large"
    NONCE_NOT_ABOVE_LAST = "nonce_not_above_last"
    # The method and the target.
    METHOD_LOWER_CASE = "method_lower_case"
    METHOD_OTHER = "method_other"
    PATH_WITHOUT_PREFIX = "path_without_prefix"
    PATH_SENT_WITHOUT_PREFIX = "path_sent_without_prefix"
    PATH_SENT_BELOW_OTHER = "path_sent_below_other"
    PATH_WITH_HOST = "path_with_host"
    PATH_SLASH = "path_slash"
    PATH_ENCODING = "path_encoding"
    QUERY_NOT_SIGNED = "query_not_signed"
    QUERY_SIGNED_THOUGH_UNSIGNED = "query_signed_though_unsigned"
    QUERY_MARK = "query_mark"
    QUERY_DECODED = "query_decoded"
    QUERY_ENCODED_TWICE = "query_encoded_twice"
    QUERY_PLUS_FOR_SPACE = "query_plus_for_space"
    QUERY_ESCAPES_DIFFER = "query_escapes_differ"
    QUERY_SORTED = "query_sorted"
    QUERY_AS_BODY = "query_as_body"
    TARGET_NOT_CANONICAL = "target_not_canonical"
    HOST_FOREIGN = "host_foreign"
    # The body.
    BODY_NOT_SIGNED = "body_not_signed"
    BODY_SERIALISED_AGAIN = "body_serialised_again"
    BODY_WHITE_SPACE = "body_white_space"
    BODY_FOR_EMPTY = "body_for_empty"
    BODY_AS_FORM = "body_as_form"
    BODY_NOT_TAKEN = "body_not_taken"
    # How it was put together.
    ORDER_OTHER = "order_other"
    PART_LEFT_OUT = "part_left_out"
    PART_ADDED = "part_added"
    # The secret.
    SECRET_WHITE_SPACE = "secret_white_space"
    SECRET_QUOTED = "secret_quoted"
    SECRET_DECODED = "secret_decoded"
    SECRET_CHANGED = "secret_changed"
    SECRET_EMPTY = "secret_empty"
    SECRET_IS_PASSPHRASE = "secret_is_passphrase"
    SECRET_IS_KEY = "secret_is_key"
    SECRET_IN_REQUEST = "secret_in_request"
    SECRET_OTHER = "secret_other"
    KEY_PAIR_OTHER = "key_pair_other"
    # The signature itself.
    HASH_OTHER = "hash_other"
    HASH_WITHOUT_HMAC = "hash_without_hmac"
    HMAC_ARGUMENTS_SWAPPED = "hmac_arguments_swapped"
    SIGNATURE_HEX = "signature_hex"
    SIGNATURE_BASE64 = "signature_base64"
    SIGNATURE_URL_SAFE = "signature_url_safe"
    SIGNATURE_UNPADDED = "signature_unpadded"
    SIGNATURE_PERCENT_ENCODED = "signature_percent_encoded"
    SIGNATURE_PLUS_LOST = "signature_plus_lost"
    SIGNATURE_BASE64_OF_HEX = "signature_base64_of_hex"
    SIGNATURE_NOT_CANONICAL = "signature_not_canonical"
    SIGNATURE_UPPER_CASE = "signature_upper_case"
    SIGNATURE_SURROUNDED = "signature_surrounded"
    # The headers and the passphrase.
    HEADER_MISSING = "header_missing"
    HEADER_REPEATED = "header_repeated"
    HEADER_UNPRINTABLE = "header_unprintable"
    KEY_VERSION_UNKNOWN = "key_version_unknown"
    KEY_VERSION_MISSING = "key_version_missing"
    KEY_VERSION_1 = "key_version_1"
    PASSPHRASE_IN_CLEAR = "passphrase_in_clear"
    PASSPHRASE_TWICE = "passphrase_twice"
    PASSPHRASE_ENCODING = "passphrase_encoding"
    PASSPHRASE_NOT_HASHED = "passphrase_not_hashed"
    PASSPHRASE_ARGUMENTS_SWAPPED = "passphrase_arguments_swapped"
    PASSPHRASE_WHITE_SPACE = "passphrase_white_space"
    PASSPHRASE_OTHER_SECRET = "passphrase_other_secret"
    PASSPHRASE_OTHER_HASH = "passphrase_other_hash"
    PASSPHRASE_OTHER = "passphrase_other"
    # Where nothing we know reproduces the signature.
    SIGNED_OTHER = "signed_other"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong, or may be."""

    id: Mistake
    certain: bool
    """Whether it was proved: it reproduces what was received, or the server refuses for it alone."""
    sentence: str
    to_do: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two strings part."""

    offset: int | None
    """Of the first byte that differs, from 0; `None` when the strings are equal."""
    server: str
    """What stands around it, made safe to show; `…` where something was cut off, `•••` where something is hidden."""
    client: str
    server_byte: int | None
    """`None` where the string has ended."""
    client_byte: int | None
    server_length: int
    """In bytes, as is the next."""
    client_length: int
    part: str = ""
    """Where in the server's string that is: timestamp, method, path, query, body …; empty when not known."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a signed request is refused, as far as the request, the secret and the passphrase tell."""

    exchange: str
    signature_holds: bool
    passphrase_holds: bool | None
    """`None` where there is none on this wire, or none was given to check."""
    server_signed: tuple[str, ...]
    """What the server takes the MAC of, in the order in which it tries; safe to show."""
    client_signed: str | None
    """What the client must have taken the MAC of, where that was found."""
    difference: Difference | None
    """Between the nearest of the server's strings and the client's; `None` where that is not known."""
    skew_ms: int | None
    """The stamp minus the time of receipt; `None` where there is no stamp to read."""
    causes: tuple[Cause, ...]
    """Certain ones first, then by likelihood."""

    @property
    def holds(self) -> bool:
        """Tell whether nothing was found for which the request itself would be refused."""
        proved = any(cause.certain for cause in self.causes)
        return self.signature_holds and self.passphrase_holds is not False and not proved


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a part of what is signed may have been written."""

    value: bytes
    mistake: Mistake | None = None
    """What was done wrong to write it so; `None` for the right way."""
    about: str = ""
    """Fills the cause's sentence."""


Forms = tuple[Form, ...]
"""The right one first."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the person who asks knows besides the request."""

    secret: bytes = field(repr=False)
    passphrase: bytes | None = field(repr=False)
    secrets: Forms = field(repr=False)
    """The secret, and what clients make of it."""
    now_ms: int
    window_ms: int
    header_prefix: str = "KC-API-"
    """With what the names of KuCoin's headers begin, where the request was sent."""
    public_key: bytes | None = None
    """Of Binance's Ed25519 and RSA keys, in PEM: then there is no secret."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request as one exchange's wire reads it: what the search needs, and what was seen on the way."""

    exchange: str
    signature: bytes
    """As received; empty when there is none."""
    hex_digest: bool
    """Whether this wire writes a MAC as hex; else as base64."""
    any_case: bool
    """Whether upper-case hex is right too."""
    hashed: str
    """The wire's own hash, as `hashlib` calls it."""
    server: tuple[bytes, ...]
    """What the server takes the MAC of."""
    parts: tuple[tuple[str, bytes], ...]
    """The first of these in its parts, by name."""
    forms: Mapping[str, Forms]
    """How each part may have been written, by the letter that stands for it in a layout."""
    layouts: Forms
    """How the parts may have been put together: one letter per part, anything else as itself."""
    key: bytes
    """The key's id, as received."""
    stamp: bytes
    skew_ms: int | None
    raw_only_because: str = ""
    passphrase_holds: bool | None = None
    observed: tuple[Cause, ...] = ()
    """Seen without a search, most telling first."""
