"""Target `helm`: one chart for all services, and small typed values for each."""
