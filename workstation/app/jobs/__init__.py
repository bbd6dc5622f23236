"""Background work: the queue, its lanes, progress and cancel."""
