"""Reading evidence, never writing it: hashing, probing, pictures, exact video frames, the decoder child."""
