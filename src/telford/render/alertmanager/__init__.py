"""Target `alertmanager`: who is told of which alert, how, and which alerts are the fault of others."""
