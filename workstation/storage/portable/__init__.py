"""Cases as one file: packing, verifying and taking them in; backups; disclosure packs. The format is in ``PACK.md``."""
