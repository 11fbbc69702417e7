"""Target `otel-collector`: what gathers metrics, logs and traces in a place, and what it leaves out."""
