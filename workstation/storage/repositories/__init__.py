"""Reading and writing one kind of record each, inside a transaction opened by ``workstation.storage.database``."""
