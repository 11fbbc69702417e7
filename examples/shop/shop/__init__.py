"""A small shop in six services: the estate that Telford's demo, benchmarks and soaks run."""
