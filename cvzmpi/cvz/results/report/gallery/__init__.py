"""The gallery of the report: flares to look through, with what speaks for and against each.

It is read from top to bottom as `choice` (which flares, from the tables of the index) -> `cut_out`
(the hours around each, from its sector file) -> `evidence` (what speaks for and against it, in
sentences) -> `write_gallery` (the page and a script for each set, on all ranks).
"""
