"""The state of every key, issued or held, in one list: what to mend first, and what it rests on.

`model` has the nouns, `rules` judges them (pure), `report` writes them for machines. `app` fills them in, the
console shows them.
"""
