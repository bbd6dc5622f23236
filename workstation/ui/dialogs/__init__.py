"""Questions to the examiner: new case, run, go to, commands, errors."""
