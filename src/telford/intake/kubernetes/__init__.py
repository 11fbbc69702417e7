"""Kubernetes YAML, and with it rendered Helm charts and kustomizations. `reading.read` is the door."""
