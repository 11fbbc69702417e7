"""API and pages: one file per page."""
