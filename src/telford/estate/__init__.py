"""The model: addresses, kinds, documents -> Estate, overlays, graph, and the types that every
floor above speaks in (Binding, Release, Artifact, Observation).
"""
