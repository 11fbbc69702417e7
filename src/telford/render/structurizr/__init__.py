"""Target `structurizr`: the estate as a C4 model."""
