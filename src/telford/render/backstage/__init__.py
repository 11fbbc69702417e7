"""Target `backstage`: descriptors of the software catalogue."""
