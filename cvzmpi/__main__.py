"""`python -m cvzmpi`."""

from cvzmpi.cli import main

main()
