"""The ledger's tables, version by version; see `cvzmpi.ledger.migrate`."""
