"""How phone numbers are written, and which can take a text message. Pure; `phonenumbers` comes with the extra `chat`."""

from __future__ import annotations

from keywright.errors import Invalid

MOST_TYPED = 40
"""Characters; the longest number has 15 digits."""

SHOWN = 2
"""Last digits that are shown of a number."""


def e164(typed: str) -> str:
    """Return the number in the one spelling it is kept in, +4915112345678; raises `Invalid`.

    Only numbers that a phone carries: those that cost their caller money are what floods of text messages are sent for,
    and of a landline nobody knows whether it takes any.
    """
    import phonenumbers  # noqa: PLC0415  an extra, and slow to load

    text = typed.strip()
    text = f"+{text[2:]}" if text.startswith("00") else text
    if len(text) > MOST_TYPED or not text.startswith("+"):
        raise _none()
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise _none() from None
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise _none()
    taken = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if phonenumbers.number_type(number) not in taken:
        raise Invalid("that is not the number of a mobile phone", hint="codes come as text messages", field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def masked(number: str) -> str:
    """Return enough of a number in its kept spelling to recognise one's own."""
    return f"{number[:3]} ••• {number[-SHOWN:]}"


def _none() -> Invalid:
    return Invalid("that is no phone number", hint="write it with its country, like +49 1511 2345678", field="phone")
