"""What the window lists: exhibits, tracks, jobs and custody events as Qt models over plain data."""
