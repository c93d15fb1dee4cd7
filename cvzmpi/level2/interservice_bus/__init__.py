"""Messages on the interservice bus of the data centre, which tell its catalogue of new files."""
