"""The sections of a report, one file each; every one turns the content into a list of blocks."""
