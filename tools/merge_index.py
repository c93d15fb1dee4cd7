"""Merge the sector files of a campaign to an index: `cvzmpi index` under the name people look for.

mpirun -n 8 .venv/bin/python tools/merge_index.py OUTPUT
"""

import sys

from cvzmpi.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "index")
    main()
