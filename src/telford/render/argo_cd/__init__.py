"""Target `mermaid`: a diagram a system, and one of all systems."""
