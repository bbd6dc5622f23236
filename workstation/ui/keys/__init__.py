"""The map of keys: presets, the examiner's own changes, and what keyboards of other countries can type."""
