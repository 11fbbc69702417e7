"""Target `openslo`: objectives as OpenSLO v1 documents."""
