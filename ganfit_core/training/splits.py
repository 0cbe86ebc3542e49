"""Names of what is learnt from, and of what nothing is learnt from."""

TRAIN, HELD_OUT = "train", "held_out"
