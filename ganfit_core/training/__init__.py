"""What all trainings share: the loop, checkpoints that resume, the record of a run, splits."""
