"""A running job's connection to the ledger: its writer, outbox, heartbeat and takeovers."""
