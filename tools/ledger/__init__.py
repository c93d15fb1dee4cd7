"""Measurements and long tests of the ledger."""
