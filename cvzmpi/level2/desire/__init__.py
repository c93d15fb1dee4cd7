"""The files of a DeSIRe inversion, as the science team makes them, and their Level 2 product."""
