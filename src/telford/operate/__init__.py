"""Pure decisions about promises: an objective's burn and budget."""
