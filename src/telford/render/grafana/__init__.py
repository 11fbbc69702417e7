"""Target `grafana`: dashboards of services, systems, objectives and releases, and what loads them."""
