"""The index of a campaign: its sector files summed up in tables.

It is read from top to bottom as `summary` (a sector file's row) -> `shard` (one directory of them,
only what changed) -> `part` (its tables) -> `pooled_reliability` (of the flares of all parts) ->
`merge` (all parts as one table each, and links to all files). `build` calls them in this order;
`columns` says what is in the tables.
"""
