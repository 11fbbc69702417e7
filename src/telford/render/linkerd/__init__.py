"""Target `linkerd`."""
