"""The measures: pure functions from arrays and meshes to numbers, one file per measure."""
