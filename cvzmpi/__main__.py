"""`python -m cvzmpi`."""

import signal

# Until all is imported, there is nothing to be left in order: Ctrl-C ends the process, without a
# traceback of somebody's import.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from cvzmpi.cli import main

main()
