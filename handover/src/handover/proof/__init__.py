"""Proves on a copy that both systems live on one database: the strategy's five groups of tests."""
