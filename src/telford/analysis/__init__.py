"""Numbers about an estate: pure questions that need more than one step through its graph."""
