"""Target `keda`."""
