"""Reads what says where manifests come from: Argo CD, Flux, charts and kustomizations."""
