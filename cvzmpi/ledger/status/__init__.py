"""The ledger read: status, speed and histories."""
