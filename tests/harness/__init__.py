"""Programs that are killed, starved and locked out on purpose, and what their cases look like afterwards."""
