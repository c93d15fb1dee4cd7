"""In the notebooks of the tutorials, commands print in one piece and without colours."""

import os
import subprocess
import sys

from IPython import get_ipython


def bash(line, cell):
    """Run commands as Jupyter's `%%bash` does, and show what they printed in one piece."""
    del line
    environment = {
        k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "CLICOLOR_FORCE"}
    }
    environment |= {"COLUMNS": "92", "NO_COLOR": "1", "TERM": "dumb"}
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", cell],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        text=True,
        check=False,
    )
    sys.stdout.write(ended.stdout)
    if ended.returncode:
        raise subprocess.CalledProcessError(ended.returncode, "bash")


get_ipython().register_magic_function(bash, "cell")
