"""Peers that are not written in Python, spoken to over pipes."""
