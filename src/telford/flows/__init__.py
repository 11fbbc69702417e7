"""Durable sequences and the controller's tick loop; the only importer of the durable-execution library."""
