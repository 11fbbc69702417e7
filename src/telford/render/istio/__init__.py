"""Target `istio`."""
