"""The local place: services are processes, Envoy is the data plane; no container, no root.

Two processes share the work. The **supervisor** (`supervisor`) owns Envoy and the services and
decides nothing; **`LocalPlace`** (`place`) is the client that the controller holds: it implements
`ports.Cluster`, `ports.Router` and `ports.Metrics` over a private socket. Killing a client changes
no traffic; the death of the supervisor, by whatever signal, leaves no process behind.
"""
