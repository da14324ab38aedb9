"""What a browser asks a passkey to sign, and whether what comes back is right (WebAuthn level 3). Pure.

`webauthn` decodes, and checks signature, flags and hashes. Before it, the same facts are looked at one by one, so that
each refusal says what was wrong. The counter is judged by whoever holds the row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_attestation_object,
    parse_authenticator_data,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorData,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from keywright.errors import NotProven
from keywright.identity.model import RelyingParty

NAME = "Keywright"
CHALLENGE_MS = 5 * 60 * 1000
"""How long a challenge may be answered."""

MOST_BYTES = 16 * 1024
"""Of an answer; the longest real ones hold some 4 KiB."""

MOST_ID_BYTES = 1023
"""Of a credential id (WebAuthn section 4)."""

ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
FORMATS = {AttestationFormat.NONE, AttestationFormat.PACKED}
"""Of attestations that are taken: none was asked for, and a few keys sign for themselves all the same."""


class Mismatch(NotProven):
    """What a passkey answered is not taken; `label` is one word for why."""

    def __init__(self, message: str, *, hint: str, label: str) -> None:
        super().__init__(message, hint=hint)
        self.label = label


@dataclass(frozen=True, slots=True)
class Registered:
    """A credential that a passkey has made."""

    id: str
    """base64url."""
    public_key: bytes
    """COSE."""
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a browser, as far as it can be read without believing any of it."""

    credential: dict[str, Any]
    id: str
    challenge: bytes
    kind: str
    origin: str
    is_framed: bool


def creation_options(
    rp: RelyingParty, *, email: str, user_handle: bytes, challenge: bytes, known: Sequence[str]
) -> str:
    """Return as JSON what `navigator.credentials.create` is given: verified by the person, no attestation, none twice."""
    return options_to_json(
        generate_registration_options(
            rp_id=rp.id,
            rp_name=NAME,
            user_id=user_handle,
            user_name=email,
            challenge=challenge,
            timeout=CHALLENGE_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=ALGORITHMS,
        )
    )


def request_options(rp: RelyingParty, *, challenge: bytes, known: Sequence[str]) -> str:
    """Return as JSON what `navigator.credentials.get` is given."""
    return options_to_json(
        generate_authentication_options(
            rp_id=rp.id,
            challenge=challenge,
            timeout=CHALLENGE_MS,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def read(text: str) -> Answer:
    """Return what a browser sent, unbelieved. Raises `Mismatch` when it can't be read."""
    if len(text) > MOST_BYTES:
        raise _unreadable()
    try:
        credential = json.loads(text)
        response = credential["response"]
        client_data = parse_client_data_json(base64url_to_bytes(response["clientDataJSON"]))
        called = bytes_to_base64url(base64url_to_bytes("" + credential["rawId"]))
        return Answer(
            credential,
            called,
            client_data.challenge,
            str(client_data.type),
            str(client_data.origin),
            bool(client_data.cross_origin),
        )
    except Exception:  # noqa: BLE001  whatever trips over what a stranger sent, it is no answer
        raise _unreadable() from None


def check_registration(answer: Answer, *, challenge: bytes, rp: RelyingParty) -> Registered:
    """Return the credential that the answer speaks of. Raises `Mismatch` unless all of it is as it was asked for."""
    _check_client_data(answer, "webauthn.create", challenge, rp)
    try:
        attestation = parse_attestation_object(base64url_to_bytes(answer.credential["response"]["attestationObject"]))
    except Exception:  # noqa: BLE001  as above
        raise _unreadable() from None
    if attestation.fmt not in FORMATS:
        raise Mismatch("that kind of passkey is not taken", hint="use another one", label="attestation")
    _check_flags(attestation.auth_data, rp)
    try:
        verified = verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=rp.id,
            expected_origin=list(rp.origins),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except Exception:  # noqa: BLE001  as above
        raise Mismatch("that passkey can't be taken", hint="use another one", label="registration") from None
    if not 1 <= len(verified.credential_id) <= MOST_ID_BYTES or verified.credential_id != base64url_to_bytes(answer.id):
        raise _unreadable()
    return Registered(answer.id, verified.credential_public_key, verified.sign_count)


def check_assertion(answer: Answer, *, challenge: bytes, rp: RelyingParty, public_key: bytes) -> int:
    """Return what the passkey's counter says, now that its signature is shown to hold. Raises `Mismatch`."""
    _check_client_data(answer, "webauthn.get", challenge, rp)
    try:
        data = parse_authenticator_data(base64url_to_bytes(answer.credential["response"]["authenticatorData"]))
    except Exception:  # noqa: BLE001  as above
        raise _unreadable() from None
    _check_flags(data, rp)
    try:
        verified = verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=rp.id,
            expected_origin=list(rp.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,  # judged by who holds the row, after the signature: see `passkeys`
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  as above
        raise Mismatch(
            "that passkey’s signature is not right", hint="try again, or enter a code", label="signature"
        ) from None
    return verified.new_sign_count


def _check_client_data(answer: Answer, kind: str, challenge: bytes, rp: RelyingParty) -> None:
    if answer.kind != kind:
        raise Mismatch("that passkey answered another question", hint="try again, or enter a code", label="type")
    if answer.challenge != challenge:
        raise over()
    if answer.origin not in rp.origins or answer.is_framed:
        raise Mismatch(
            "that passkey answered another address",
            hint="open the console's own address and try again",
            label="origin",
        )


def _check_flags(data: AuthenticatorData, rp: RelyingParty) -> None:
    if data.rp_id_hash != hashlib.sha256(rp.id.encode()).digest():
        raise Mismatch(
            "that passkey belongs to another address", hint="open the console's own address and try again", label="rp"
        )
    if not data.flags.up or not data.flags.uv:
        raise Mismatch(
            "that passkey did not check that it was you",
            hint="unlock it with its PIN, your finger or your face, or enter a code",
            label="verification",
        )


def over() -> Mismatch:
    """Return what is said of an answer to a challenge that there is not: never was, another's, late, or answered."""
    return Mismatch(
        "what your passkey was asked is no longer open", hint="try again, or enter a code", label="challenge"
    )


def _unreadable() -> Mismatch:
    return Mismatch("that is no answer of a passkey", hint="try again, or enter a code", label="unreadable")


def _descriptors(ids: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in ids]
