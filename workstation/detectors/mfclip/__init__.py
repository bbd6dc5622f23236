"""MFCLIP: image and noise of a face held against four levels of words (IEEE TIFS 2025, arXiv 2409.09724).

`network` is what a package holds and what reads a face; `training` joins it with the language side, which is needed to
train it and to write the descriptions' features into the package, and never to read a face.
"""
