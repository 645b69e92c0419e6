"""The send list leaves: claimed in the ledger first, published or relayed, and compared with what became of it."""
