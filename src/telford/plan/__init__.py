"""Last applied + desired + observed -> an immutable plan."""
