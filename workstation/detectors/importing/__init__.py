"""Published weights files made into detector packages: what a file is, what is in it, and how it becomes a card."""
