"""What many ranks do: teams, the start of a worker, the scheduler."""
