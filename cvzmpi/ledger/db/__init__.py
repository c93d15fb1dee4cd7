"""The ledger's database: tables, types, migrations, rights."""
