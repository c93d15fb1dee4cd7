"""MPI: how ranks are started, stopped, and work together in teams."""
