"""Target `codeowners`: who is asked about a change of which file."""
