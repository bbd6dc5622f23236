"""Small networks that make a face, or a part of one, anew: their traces are those of decoders that enlarge."""
