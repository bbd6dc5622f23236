"""Sides of an open case, one kind of record each: what a caller may ask and change, with the custody events it makes.

A case of format 1.0 that is read without being brought up to date answers as if nothing of the kind were there.
"""
