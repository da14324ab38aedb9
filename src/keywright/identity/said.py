"""What people say of themselves, and how it is written: name, country, document, phrase. Pure."""

from __future__ import annotations

import re
import unicodedata

from keywright.errors import Invalid

NAME_MIN, NAME_MAX = 2, 100
REASON_MAX = 200
PHRASE_MIN, PHRASE_MAX = 4, 40
DOCUMENTS = ("passport", "id_card", "residence_permit", "driving_licence")
LAST_DIGITS = re.compile(r"[A-Z0-9]{4}", re.ASCII)

ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(ISO_3166.split())
"""ISO 3166-1, two letters; and Kosovo, which people have documents of."""


def identity(name: str, country: str, document: str, last_digits: str) -> tuple[str, str, str]:
    """Return name, country and document as they are kept; raises `Invalid` naming the field that can't be taken."""
    said = one_line(name, least=NAME_MIN, most=NAME_MAX, field="name")
    if not any(character.isalpha() for character in said):
        raise Invalid("that is not a name", hint="write it as it stands in your document", field="name")
    if country not in COUNTRIES:
        raise Invalid("there is no such country", hint="choose one of the list", field="country")
    if document not in DOCUMENTS:
        raise Invalid("there is no such kind of document", hint="choose one of the list", field="document")
    digits = last_digits.strip().upper()
    if not LAST_DIGITS.fullmatch(digits):
        raise Invalid(
            "those are not the last four characters of a document's number",
            hint="type four letters or digits, the last ones",
            field="last_digits",
        )
    return said, country, f"{document} {digits}"


def reason(text: str) -> str:
    """Return why something is refused, as it is kept; raises `Invalid`."""
    return one_line(text, least=1, most=REASON_MAX, field="reason")


def phrase(text: str, *, about: tuple[str, ...]) -> str:
    """Return an anti-phishing phrase as it is shown; raises `Invalid`.

    `about` are words that whoever writes to the account's owner knows: a phrase of theirs alone would prove nothing.
    """
    said = one_line(text, least=PHRASE_MIN, most=PHRASE_MAX, field="phrase")
    if said.casefold() in {word.casefold() for word in about}:
        raise Invalid("anyone could guess that phrase", hint="choose one that only you would think of", field="phrase")
    return said


def one_line(text: str, *, least: int, most: int, field: str) -> str:
    """Return a text of one line in the one spelling it is kept in (NFC); raises `Invalid`."""
    if len(text) <= 4 * most:  # or it can't fit, and nothing of a stranger's is worked on for long
        said = " ".join(unicodedata.normalize("NFC", text).split())
        if any(unicodedata.category(character)[0] == "C" for character in said):
            raise Invalid("that holds characters which can't be shown", field=field)
        if least <= len(said) <= most:
            return said
    raise Invalid("this takes {least} to {most} characters", field=field, least=least, most=most)
