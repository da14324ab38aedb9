"""Finds exchange credentials in files, in logs and in a repository's history, before somebody else does.

`text` looks at bytes and is pure: shapes of credentials (`shapes`), the words around them (`words`). `files` and `history`
bring the bytes, `reports` says what was found. Needs nothing but the standard library: it runs in a commit hook.
"""
