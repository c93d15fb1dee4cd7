"""A campaign and its ledger as the dashboard looks at them."""
