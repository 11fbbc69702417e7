"""Pure decisions about a release: verdicts and the next step."""
