"""A process that brings files in its children, each of which ends at a given moment by SIGKILL.

A line of its input is a JSON list: the function to call, as `module:name`, its arguments, and after
how many of its dealings with files and services the child is killed (0: never). It answers with
the number of these dealings, or "killed" or "failed".
"""

import json
import os
import signal
import sys
from importlib import import_module

DEALINGS = {
    *("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir"),
    *("http.client.send", "http.client.connect", "socket.connect"),
}


def call(function, arguments, killed_after):
    """Call the function; its dealings are counted."""
    n_dealings = 0

    def count(event, _):
        nonlocal n_dealings
        if event in DEALINGS:
            n_dealings += 1
            if n_dealings == killed_after:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    module, _, name = function.partition(":")
    getattr(sys.modules[module], name)(*arguments)
    return n_dealings


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
