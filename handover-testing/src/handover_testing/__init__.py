"""What the tests and the benches of ``handover`` share: small pairs of systems, and faults that are planted in them."""
