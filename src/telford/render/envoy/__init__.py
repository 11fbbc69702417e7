"""Target `envoy`."""
