"""`make torture`: the main job under SIGKILL and other faults, and what is left of its files."""
