"""A client for Kubernetes API servers: who is asked and as whom, over HTTP, with limits."""
