"""Queries of the paper exchange, the only place that speaks SQL. Every one that is about an owner names it.

`rows` between rows and nouns, `money` balances, postings, statements, transfers, `orders` orders and fills.
"""
