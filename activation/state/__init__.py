"""What was decided and done: one SQLite file that outlives the warehouse, and the moves of segments beside it."""
