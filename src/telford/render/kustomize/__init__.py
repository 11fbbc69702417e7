"""Target `kustomize`: a base, and overlays that hold only differences."""
