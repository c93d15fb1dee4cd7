"""The tables of Level 2, version by version; see `cvzmpi.ledger.db.migrate`."""
