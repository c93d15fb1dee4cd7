"""The reliability of found flares: the chance that each is real.

It is read from top to bottom as `statistic` (by which events are compared, and the shapes that
their densities may have) -> `pools` (light curves of like noise and brightness) -> `mixture` (false
and true events of each pool) -> `estimate` (each event, with the flares of its own star).
`flare_reliability` is what rates need of it.
"""
