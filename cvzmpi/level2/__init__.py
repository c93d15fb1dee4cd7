"""Level 2: maps of the Sun's magnetic field from Observing Programs of the DKIST telescope."""
