"""The engine: hands units of work to teams of MPI ranks, whatever the units are."""
