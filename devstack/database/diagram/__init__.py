"""Entity-relationship pictures: which boxes and lines there are, where they stand, and how they are drawn."""
