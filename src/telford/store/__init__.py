"""Records in SQL, one module a noun."""
