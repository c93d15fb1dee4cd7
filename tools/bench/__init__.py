"""`make bench`: how fast cvzmpi is, beside what people used before, on this machine in one run.

Every row of the table in docs/benchmark.md is measured by one module of `light_curve` or `ranks`;
`session` calls them in order, and `report` writes the table. Programs in processes of their own:

    reference.server      stella, Keras and celerite2, in .venv-reference
    ranks.worker_start    a worker rank from its start until it could take a light curve
    ranks.clocked_job     `cvzmpi run` under mpirun, with clocks around its checkpoints
    ranks.imitated_teams  rank 0 with empty work, and with thousands of imitated teams
    ranks.futures         mpi4py.futures with empty work

`index`, `ledger`, `campaign_costs` and `inversion` are benchmarks of their own, each with its page
in docs.
"""
