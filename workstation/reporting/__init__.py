"""From a case's facts to a signed PDF that proves itself."""
