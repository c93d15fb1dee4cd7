"""The metadata store of the telescope: its client, and the rows that it answers with."""
