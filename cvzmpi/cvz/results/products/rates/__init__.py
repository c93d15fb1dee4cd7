"""Rates of flares, corrected for completeness and reliability.

It is read from top to bottom as `effective_time` (what the searches were worth) ->
`mixed_likelihood` (flares of which some may be false) -> `power_law` (index and rate) ->
`flare_number` (the rate at a known index), `cumulative_rate` (of flares at least as large).
"""
