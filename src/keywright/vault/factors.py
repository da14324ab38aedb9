"""What can be wrong where an exchange refuses, in words: `Factor`, and `SAYINGS` for each way it shows. Pure."""

from __future__ import annotations

from enum import StrEnum

from keywright.vault.words import Words


class Factor(StrEnum):
    """What is to blame. Stable strings."""

    KEY = "key"
    PASSPHRASE = "passphrase"
    SECRET = "secret"
    """The signature does not hold: the secret is another key's, or other bytes were signed than sent."""
    CLOCK = "clock"
    NONCE = "nonce"
    ADDRESS = "address"
    PERMISSION = "permission"
    ENVIRONMENT = "environment"
    SYMBOL = "symbol"
    ACCOUNT = "account"
    LIMIT = "limit"
    NETWORK = "network"
    EXCHANGE = "exchange"
    REQUEST = "request"
    STORE = "store"
    """A program's own store of keys, before any exchange is asked."""
    NOTHING = "nothing"
    UNKNOWN = "unknown"


LATE = Words(
    "the request was stamped too long before it arrived at {exchange}",
    "set this machine's clock by NTP. If it is right, the request waited on its way: sign right before sending, and sign anew "
    "for every attempt",
)
EARLY = Words(
    "the request was stamped ahead of {exchange}'s time",
    "set this machine's clock by NTP. {exchange} takes a stamp that is late for seconds, and an early one for one second at most",
)
OUT_OF_TIME = Words(
    "the request's time is too far from {exchange}'s",
    "set this machine's clock by NTP. If it is right, the request waited on its way: sign right before sending, and sign anew "
    "for every attempt",
)
UNKNOWN_KEY = Words(
    "{exchange} does not know this key",
    "it was deleted there, it ended, or it was made for another site or environment. Look on the page of your keys ({page}), and "
    "make a new one if it is not there",
)
BAD_FORM = Words(
    "what was sent as the key has not the form of one",
    "copy the key again with the exchange's copy button: a piece is missing, or a space came along",
)
PASSPHRASE = Words(
    "the passphrase is wrong, or the secret: {exchange} checks one with the other",
    "enter both again: the passphrase is the one you chose when you made this key, not your password at {exchange}; the secret "
    "was shown once. If one of them is lost, make a new key: nobody can look it up",
)
SIGNATURE = Words(
    "the secret does not fit this key: {exchange} finds the signature wrong",
    "enter the secret again: this one is not this key's, or it was pasted in part. A program that signs by itself must sign the "
    "very bytes that it sends",
)
KEY_OR_SIGNATURE = Words(
    "{exchange} has one answer for an unknown key, a wrong signature and a foreign address",
    "look on the page of your keys ({page}), in this order: is this key there, is this connection's address under “{filter}”; "
    "then enter key and secret again",
)
KEY_OR_SIGNATURE_AT = Words(
    "{exchange} has one answer for an unknown key, a wrong signature and a foreign address",
    "look on the page of your keys ({page}), in this order: is this key there, is {address} under “{filter}”; then enter key and "
    "secret again",
)
KEY_ADDRESS_OR_RIGHT = Words(
    "{exchange} has one answer for an unknown key, a foreign address and a missing right",
    "look on the key's page ({page}), in this order: is this connection's address under “{filter}”, is the key there at all, is "
    "the box ticked that this needs, and is it a key of this environment",
)
KEY_ADDRESS_OR_RIGHT_AT = Words(
    "{exchange} has one answer for an unknown key, a foreign address and a missing right",
    "look on the key's page ({page}), in this order: is {address} under “{filter}”, is the key there at all, is the box ticked "
    "that this needs, and is it a key of this environment",
)
KEY_OR_ADDRESS = Words(
    "{exchange} does not know this key, or does not take it from this address",
    "look on the key's page ({page}), in this order: is this connection's address under “{filter}”, is the key there at all. Its "
    "answer is the same for both",
)
KEY_OR_ADDRESS_AT = Words(
    "{exchange} does not know this key, or does not take it from this address",
    "look on the key's page ({page}), in this order: is {address} under “{filter}”, is the key there at all. Its answer is the "
    "same for both",
)
FOREIGN = Words(
    "{exchange} does not take this key from this address",
    "enter this connection's address under “{filter}” on the key's page ({page}). Don't switch that filter off",
)
FOREIGN_SEEN = Words(
    "{exchange} does not take this key from {seen}",
    "enter {seen} under “{filter}” on the key's page ({page}). Don't switch that filter off",
)
FOREIGN_V6 = Words(
    "{exchange} saw the request come over IPv6, from {seen}, and does not take the key from there",
    "keep the program to IPv4, or enter that address too. A connection held here leaves from its own address only",
)
LEFT_ELSEWHERE = Words(
    "the request left from {seen}, and {address} is reserved for this connection",
    "nothing is wrong with the key: change nothing at the exchange, and ask whoever runs this server why its address changed",
)
NO_RIGHT = Words(
    "the key has not the right that this needs",
    "tick its box on the key's page ({page}). A right to withdraw or to transfer is never needed here",
)
NO_RIGHT_BOX = Words(
    "the key has not the right that this needs ({box})",
    "tick “{box}” on the key's page ({page}). If it can't be ticked, open that kind of account first, and make a new key after",
)
NO_BOX = Words(
    "a key of {exchange} has no box of its own for this ({right})",
    "the key is not to blame: look whether your account there may do that at all. Some kinds of trading must be opened for the "
    "account first, or want money in a wallet of their own",
)
OTHER_ENVIRONMENT = Words(
    "this key belongs to {other}",
    "connect it there, or make a key on the page of your keys at {exchange} ({page})",
)
LOW_NONCE = Words(
    "the request's number (nonce) is not above the last one that this key was used with",
    "another program uses this key, or its clock went back: one key for each program. If another counted in a finer unit, make a "
    "new key",
)
NOT_LISTED = Words(
    "this key may only trade the symbols on its list, and this one is not on it",
    "that list is a good protection: it holds even if the secret is stolen. Add the symbol there if the bot should trade it",
)
FROZEN = Words(
    "{exchange} has frozen or restricted the account",
    "the key is not to blame: ask the exchange's support, and change nothing here",
)
REGION = Words(
    "{exchange} does not serve this account from where it is, or wants its identity verified",
    "the key is not to blame: look at the messages in your account there",
)
TOO_MANY = Words(
    "{exchange} has had too many requests",
    "wait a minute. If it keeps happening, other programs use this key or this address as well",
)
PAGE = Words(
    "a web page came back instead of an answer: something on the way refused the request, not {exchange}'s check of the key",
    "the key is not to blame. A firewall, a limit for each address or a block of a region does that: wait, then try from another "
    "address",
)
DOWN = Words(
    "{exchange} does not answer as it should",
    "the key is not to blame: look at the exchange's status page, and try again later",
)
NO_HEADER = Words(
    "part of the signature did not arrive",
    "a header or a parameter is missing: look at the program, and at any proxy between it and the exchange",
)
OLD_VERSION = Words(
    "the version of this key is not taken any more",
    "make a new key on the page of your keys ({page}); a new one has the present version",
)
OWN_STORE = Words(
    "the program can't open its own store of keys",
    "no exchange was asked yet: its password changed or is wrong, or its key store is not there. Enter the keys anew, or give it "
    "another store",
)
NOT_A_REFUSAL = Words(
    "{exchange} took the key, and refused the order itself",
    "look at the exchange's own words: funds, price, size or symbol",
)
ALL_WELL = Words(
    "{exchange} takes this key, from this address, at this time",
    "if a program is refused all the same, compare what it sends: another key, another address, another clock, or other "
    "bytes than it signed",
)
NOT_KNOWN = Words(
    "{exchange} answered something that is not known here",
    "its own words may say more. If they name the key, enter it again; if they name an address, compare it with this connection's",
)
AT = {
    KEY_OR_SIGNATURE: KEY_OR_SIGNATURE_AT,
    KEY_ADDRESS_OR_RIGHT: KEY_ADDRESS_OR_RIGHT_AT,
    KEY_OR_ADDRESS: KEY_OR_ADDRESS_AT,
}
"""What is said where the connection's address is known: it is named."""
