"""Both systems really live on one database: the strategy's five groups of tests, and what hangs on them."""
