"""Foreign formats -> estate documents, with a report of what was understood."""
