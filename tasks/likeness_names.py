"""What stands in tables of likeness where a method's or a corruption's name does."""

PHOTOGRAPHS = "photographs"
"""The real photographs, compared with each other: what a network can tell at best."""
NONE = "none"
"""The photographs as they are."""
