"""Target `prometheus-operator`: rules and monitors as custom resources."""
