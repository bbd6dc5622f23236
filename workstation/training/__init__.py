"""Making detectors: datasets, pseudo-forgeries, losses, trainers, validation records."""
