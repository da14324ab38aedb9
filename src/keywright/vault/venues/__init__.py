"""What each exchange is asked about a key, none of which moves anything, and how its answers read. Pure: no network here.

Rule: an answer of a shape that is not known is not understood; nothing in it is guessed. `known` lists the exchanges.
"""
