"""A process that brings files in its children, each of which ends at a given moment by SIGKILL.

A line of its input is a JSON list: the function to call, as `module:name`, its arguments, and the
number of the change, of a file or by a request to a service, before which the child is killed (0:
none). It answers with the number of changes, or "killed" or "failed".
"""

import json
import os
import signal
import sys
from importlib import import_module

REQUESTS = (b"DELETE ", b"GET ", b"HEAD ", b"POST ", b"PUT ")


def is_change(event, arguments):
    """True if what comes next changes a file, or asks a service for something."""
    match event:
        case "open":
            return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        case "http.client.send":
            return bytes(arguments[1][:8]).startswith(REQUESTS)
    return event in {"os.rename", "os.remove"}


def call(function, arguments, killed_before):
    """Call the function; its changes are counted."""
    n_changes = 0

    def count(event, arguments):
        nonlocal n_changes
        if is_change(event, arguments):
            n_changes += 1
            if n_changes == killed_before:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    module, _, name = function.partition(":")
    getattr(sys.modules[module], name)(*arguments)
    return n_changes


def main():
    for module in sys.argv[1:]:
        import_module(module)
    for line in sys.stdin:
        receiver, sender = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(sender, str(call(*json.loads(line))).encode())
            os._exit(0)
        os.close(sender)
        _, status = os.waitpid(child, 0)
        how = "killed" if os.WIFSIGNALED(status) else "failed"
        print(os.read(receiver, 100).decode() or how, flush=True)
        os.close(receiver)


if __name__ == "__main__":
    main()
