"""The migrations of the ledger's tables; see `cvzmpi.ledger.db.migrate`."""
