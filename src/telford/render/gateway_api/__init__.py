"""Target `gateway-api`."""
