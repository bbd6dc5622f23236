"""Fitting of the traces family on pairs of genuine faces and pseudo-forgeries, without a single gradient."""
