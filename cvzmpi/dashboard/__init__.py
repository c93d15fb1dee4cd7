"""The dashboard: pages, JSON and metrics about the ledger of any campaign."""
