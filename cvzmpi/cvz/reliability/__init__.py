"""The reliability of found flares: the chance that each is real.

It is read from top to bottom as `statistic` (by which events are compared, and the shapes that
their densities may have) -> `pools` (light curves of like noise and brightness) -> `mixture` (false
and true events of each pool) -> `event_odds` (each event, with the other events of its star) ->
`estimate` (all of it, for a campaign). `flare_reliability` is what rates need of it.
"""
