"""Shipped fakes and the seeded simulator."""
