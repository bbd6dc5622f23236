"""A case on disk: folder, database, evidence vault, array store, chain of custody, and the workstation's catalogue."""
