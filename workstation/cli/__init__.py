"""The command line: thin over ``workstation.app``."""
