"""What each `Mistake` says to the person who made it: a sentence of what happened, and what to do.

`{about}` is filled by whoever found it: a unit, a header, a rule. A sentence never quotes a value of the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from keywright.protocol.explain_model import Cause, Mistake

_RAW = "Sign the target exactly as it goes out: encode first, then sign, then send those bytes."
_BYTES = "Serialise the body once, sign those bytes and send those bytes (not the object, which gets serialised again)."
_RECIPE = "Put the string together as the first line shows, with nothing between the parts and nothing beside them."
_COPY = "Copy the secret again, without what stands around it, and read it with the white space stripped."
_BASE64 = "Send the MAC's 32 bytes as standard base64: 44 characters, the last one '='."
IN_A_QUERY = "Send it as standard base64, percent-encoded once: '+' is %2B, '/' is %2F, '=' is %3D."
"""What to do about the spelling of a signature that is no MAC: Binance's by Ed25519 and RSA."""

TEXTS: Mapping[Mistake, tuple[str, str]] = {
    Mistake.CLOCK_OFF: (
        "The stamp is {about}.",
        "Set the clock by NTP, or take the time from the exchange; sign right before sending.",
    ),
    Mistake.CLOCK_BEYOND_EXCHANGE: (
        "The stamp is {about}: accepted here, and refused by the exchange itself.",
        "Set the clock by NTP, or take the time from the exchange.",
    ),
    Mistake.STAMP_MALFORMED: (
        "The stamp can't be read: {about}.",
        "Send whole milliseconds since 1970 (UTC): 13 digits.",
    ),
    Mistake.STAMP_IN_OTHER_UNIT: ("The stamp is in {about}.", "Send milliseconds since 1970 (UTC): 13 digits."),
    Mistake.STAMP_SIGNED_IN_OTHER_UNIT: (
        "The stamp that was signed is in {about}, unlike the one that was sent.",
        "Make the stamp once, as text, and use that text for both.",
    ),
    Mistake.STAMP_READ_TWICE: (
        "The stamp that was signed is {about} than the one that was sent: the clock was read twice.",
        "Read the clock once per request, and use that stamp for both the string and the header.",
    ),
    Mistake.STAMP_OF_OTHER_HEADER: (
        "The stamp that was signed is the value of {about}.",
        "Sign the stamp of the exchange's own header.",
    ),
    Mistake.NONCE_TOO_LARGE: (
        "The nonce is above 9007199254740991, the largest that is taken.",
        "Use milliseconds or microseconds since 1970. A key that took such a nonce is of no more use: make a new one.",
    ),
    Mistake.NONCE_NOT_ABOVE_LAST: (
        "The nonce is in {about}: too small, if this key was ever used with a finer unit.",
        "Use microseconds since 1970 for every client of the key, or a key for each client.",
    ),
    Mistake.METHOD_LOWER_CASE: ("The method was signed in lower case.", "Sign and send the method in upper case."),
    Mistake.METHOD_OTHER: ("The method that was signed is {about}.", "Sign the method that is sent."),
    Mistake.PATH_WITHOUT_PREFIX: (
        "The path was signed without {about}.",
        "Sign the whole path, from the first '/' after the host.",
    ),
    Mistake.PATH_SENT_WITHOUT_PREFIX: (
        "The path was sent without {about}, and signed with it.",
        "Correct the base URL, or the path that is added to it.",
    ),
    Mistake.PATH_SENT_BELOW_OTHER: (
        "The path was sent with {about} before it, and signed without.",
        "Use a base URL without a path, or one whose server takes that part away before it verifies.",
    ),
    Mistake.PATH_WITH_HOST: ("The host was signed too.", "Sign from the path on: no scheme, no host."),
    Mistake.PATH_SLASH: ("A '/' more or less was signed than sent.", "Sign the path exactly as it is sent."),
    Mistake.PATH_ENCODING: ("The path was signed in another encoding than it was sent in.", _RAW),
    Mistake.QUERY_NOT_SIGNED: ("The query was not signed.", "Sign path, '?' and query."),
    Mistake.QUERY_SIGNED_THOUGH_UNSIGNED: (
        "The query was signed, and is not part of the string.",
        "Leave the query out.",
    ),
    Mistake.QUERY_MARK: ("The '?' between path and query was {about}.", _RECIPE),
    Mistake.QUERY_DECODED: ("The query was signed before it was encoded{about}.", _RAW),
    Mistake.QUERY_ENCODED_TWICE: ("The query was encoded once more, after it had been encoded for {about}.", _RAW),
    Mistake.QUERY_PLUS_FOR_SPACE: ("Spaces in the query were signed as {about}.", _RAW),
    Mistake.QUERY_ESCAPES_DIFFER: (
        "Characters were escaped differently in the string than on the wire ({about}).",
        _RAW,
    ),
    Mistake.QUERY_SORTED: ("The parameters were signed in another order than they were sent in.", _RAW),
    Mistake.QUERY_AS_BODY: (
        "The parameters were signed as a JSON body, and sent as a query.",
        "A request without a body is signed with its query; send it as it is signed.",
    ),
    Mistake.TARGET_NOT_CANONICAL: (
        "The server refuses the target before it looks at the signature: {about}.",
        "Percent-encode names and values once, and send the path in its plain form.",
    ),
    Mistake.HOST_FOREIGN: (
        "The request went to {about}.",
        "Check the base URL: a key is known only where it was issued.",
    ),
    Mistake.BODY_NOT_SIGNED: ("The body was not signed.", "Add the body's bytes to the end of the string."),
    Mistake.BODY_SERIALISED_AGAIN: (
        "The body was serialised once for signing and again for sending ({about}).",
        _BYTES,
    ),
    Mistake.BODY_WHITE_SPACE: ("The body was signed {about}.", _BYTES),
    Mistake.BODY_FOR_EMPTY: (
        "There is no body, and {about} was signed in its place.",
        "Sign an empty body as nothing.",
    ),
    Mistake.BODY_AS_FORM: ("The body was signed as {about}, and sent otherwise.", _BYTES),
    Mistake.BODY_NOT_TAKEN: (
        "The server refuses the body before it looks at the signature: {about}.",
        "Send a JSON object or array as the body of a POST, and parameters of GET and DELETE in the query.",
    ),
    Mistake.ORDER_OTHER: ("The parts were put together in another order: {about}.", _RECIPE),
    Mistake.PART_LEFT_OUT: ("Left out of what was signed: {about}.", _RECIPE),
    Mistake.PART_ADDED: ("What was signed holds something more: {about}.", _RECIPE),
    Mistake.SECRET_WHITE_SPACE: ("The secret was used with white space around it ({about}).", _COPY),
    Mistake.SECRET_QUOTED: ("The secret was used with its quotation marks.", _COPY),
    Mistake.SECRET_DECODED: (
        "The secret was {about} before it was used.",
        "Use the bytes of the secret's text as they are.",
    ),
    Mistake.SECRET_CHANGED: ("The secret was used {about}.", "Use the bytes of the secret's text as they are."),
    Mistake.SECRET_EMPTY: (
        "The client had no secret: it signed with {about}.",
        "See that the client is given the secret; an unset variable is a common reason.",
    ),
    Mistake.SECRET_IS_PASSPHRASE: ("The passphrase was used as the secret.", "Swap the two in the client's settings."),
    Mistake.SECRET_IS_KEY: (
        "The key's id was used as the secret.",
        "Give the client id and secret in the right places.",
    ),
    Mistake.SECRET_IN_REQUEST: (
        "The request carries {about} itself: whoever saw it has it.",
        "Delete this key and make a new one; a secret never leaves its client.",
    ),
    Mistake.SECRET_OTHER: (
        "Nothing we know reproduces the signature with this secret: most likely it was made with another one.",
        "Check that id and secret belong to the same key, and that you gave the secret that the client uses.",
    ),
    Mistake.KEY_PAIR_OTHER: (
        "Nothing we know was signed so by this key: most likely the signature was made with another one, or in another way.",
        "Check that the id belongs to this key. RSA signs with PKCS #1 v1.5 and SHA-256, Ed25519 the payload itself.",
    ),
    Mistake.HASH_OTHER: ("The MAC was made with {about}.", "Use the hash of this exchange."),
    Mistake.HASH_WITHOUT_HMAC: ("Secret and string were hashed together ({about}).", "Use HMAC, not a plain hash."),
    Mistake.HMAC_ARGUMENTS_SWAPPED: ("Key and message of the HMAC were swapped.", "The secret is the key."),
    Mistake.SIGNATURE_HEX: ("The signature was sent as hex.", _BASE64),
    Mistake.SIGNATURE_BASE64: ("The signature was sent as base64.", "Send it as lower-case hex."),
    Mistake.SIGNATURE_URL_SAFE: ("The signature was sent as URL-safe base64 ('-' and '_').", _BASE64),
    Mistake.SIGNATURE_UNPADDED: ("The signature was sent without its '='.", _BASE64),
    Mistake.SIGNATURE_PERCENT_ENCODED: (
        "The signature was percent-encoded.",
        "Send it as it is: a header needs no encoding.",
    ),
    Mistake.SIGNATURE_PLUS_LOST: ("A '+' in the signature became a space.", "Don't decode the signature on its way."),
    Mistake.SIGNATURE_BASE64_OF_HEX: ("The signature is base64 of the hex text.", _BASE64),
    Mistake.SIGNATURE_NOT_CANONICAL: ("The signature's base64 ends in bits that mean nothing.", _BASE64),
    Mistake.SIGNATURE_UPPER_CASE: ("The signature was sent in upper case.", "Send lower-case hex."),
    Mistake.SIGNATURE_SURROUNDED: (
        "The signature has something around it: quotation marks, b'…' or white space.",
        "Decode the signature to text and send nothing but its characters.",
    ),
    Mistake.HEADER_MISSING: ("{about} was not sent.", "Send each of the exchange's headers, exactly once."),
    Mistake.HEADER_REPEATED: ("{about} was sent more than once.", "Send each of the exchange's headers, exactly once."),
    Mistake.HEADER_UNPRINTABLE: (
        "{about} holds bytes that can't be seen.",
        "Strip what was copied with the value: line ends, no-break spaces, byte order marks.",
    ),
    Mistake.KEY_VERSION_UNKNOWN: ("{about} names no version that exists.", "Send 3 (2 means the same)."),
    Mistake.KEY_VERSION_MISSING: (
        "The passphrase is sent as versions 2 and 3 send it, and {about}.",
        "Send KC-API-KEY-VERSION: 3.",
    ),
    Mistake.KEY_VERSION_1: (
        "The request is of version 1, its passphrase in clear: taken only where the operator switched that on.",
        "Send KC-API-KEY-VERSION: 3, and base64(HMAC-SHA256(secret, passphrase)) as passphrase.",
    ),
    Mistake.PASSPHRASE_IN_CLEAR: (
        "The passphrase was sent in clear, as version 1 does, under another version.",
        "Send base64(HMAC-SHA256(secret, passphrase)).",
    ),
    Mistake.PASSPHRASE_TWICE: (
        "The passphrase went through the HMAC twice.",
        "Once is right: a library may do it already.",
    ),
    Mistake.PASSPHRASE_ENCODING: ("The passphrase's MAC was sent as {about}.", "Send it as standard base64."),
    Mistake.PASSPHRASE_NOT_HASHED: (
        "The passphrase was only encoded as {about}.",
        "Send base64(HMAC-SHA256(secret, passphrase)).",
    ),
    Mistake.PASSPHRASE_ARGUMENTS_SWAPPED: (
        "Key and message of the passphrase's HMAC were swapped.",
        "The secret is the key, the passphrase the message.",
    ),
    Mistake.PASSPHRASE_WHITE_SPACE: (
        "The passphrase was used with white space around it.",
        "Strip it when it is read.",
    ),
    Mistake.PASSPHRASE_OTHER_SECRET: (
        "The passphrase's MAC was made with the secret {about}.",
        "Use the bytes of the secret's text as they are.",
    ),
    Mistake.PASSPHRASE_OTHER_HASH: ("The passphrase's MAC was made with {about}.", "Use HMAC-SHA256."),
    Mistake.PASSPHRASE_OTHER: (
        "What was sent as passphrase was not made from this secret and this passphrase.",
        "Use the passphrase that was chosen when this key was made: not the account's password, nor another key's.",
    ),
    Mistake.SIGNED_OTHER: (
        "The secret is right, for the passphrase was made with it; but what was signed is none of the strings we know.",
        "Print the very bytes that your client signs, and compare them: keywright explain --strings SERVER CLIENT",
    ),
}


def cause(mistake: Mistake, about: str = "", *, certain: bool = True) -> Cause:
    """Return what a mistake says."""
    sentence, to_do = TEXTS[mistake]
    return Cause(mistake, certain, sentence.replace("{about}", about), to_do)
