"""Training runs: one configuration to one detector package, resumable to the bit, on Lightning."""
