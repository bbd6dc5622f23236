"""MesoNet: two small convolutional networks of 2018, a baseline (Afchar et al., WIFS 2018, arXiv 1809.00888)."""
