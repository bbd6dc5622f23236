"""Face-forgery forensic workstation: cases, exact frames, detectors, fakeness maps and self-proving reports."""

__version__ = "0.1.0"
