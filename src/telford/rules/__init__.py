"""Rules find diagnostics: one file a rule family, one explicit list."""
