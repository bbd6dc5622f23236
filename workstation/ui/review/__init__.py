"""Case review: the case shown to others, read-only and in large type."""
