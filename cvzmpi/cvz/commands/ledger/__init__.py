"""Commands about the ledger of a campaign."""
