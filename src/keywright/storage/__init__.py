"""Where things are kept: tables in one file, an engine, and transactions. Holds no rule and knows no feature.

`tables` is the whole schema in one sitting; `engine.open_database` gives a `Database`; `Database.write()` is one
transaction of one verb. Queries live with the features, in their `store` modules. SQLite (WAL, synchronous=FULL) is the
embedded default; nothing here does what PostgreSQL can't.
"""
