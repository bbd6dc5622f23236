"""Traces: classical measures in which parts of one face are compared with other parts of the same picture."""
