"""Network, disk and subprocess: adapters of the ports; they return domain types."""
