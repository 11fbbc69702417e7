"""Target `prometheus`: recording and alerting rules with their tests."""
