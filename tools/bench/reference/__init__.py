"""The programs that people used before, in a process and a virtual environment of its own."""
