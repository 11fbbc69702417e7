"""What every floor stands on and nothing of Telford's subject: could be a library of its own."""
