"""Compares two systems with each other and with the live database; the contract, the verdict and its outputs."""
