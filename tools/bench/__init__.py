"""`make bench`: how fast cvzmpi is, beside what people used before, on this machine in one run.

Every row of the table in docs/benchmark.md is measured by one module here, `session` calls them in
order and `report` writes the table. Programs that run in processes of their own:

    reference_server   stella, Keras and celerite2, in .venv-reference
    worker_start       a worker rank from its start until it could take a light curve
    team_probe         `cvzmpi run` under mpirun, with clocks around its checkpoints
    scheduler_probe    rank 0 with empty work, and with thousands of imitated teams
    futures_probe      mpi4py.futures with empty work
"""
