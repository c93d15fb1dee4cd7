"""The parts of pages: the words and figures of each, as tables and lines of text."""
