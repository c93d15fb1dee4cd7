"""The programs, their datasets and inversions as commands and pages show them."""
