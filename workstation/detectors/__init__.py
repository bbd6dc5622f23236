"""Detector packages, their cards and the networks that run them."""
