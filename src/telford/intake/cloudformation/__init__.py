"""Reads CloudFormation and SAM templates, YAML and JSON. `reading.FORMAT` is the door."""
