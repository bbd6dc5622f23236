"""The timeline: one lane per face track, over the whole width of the window."""
