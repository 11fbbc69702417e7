"""Listeners of what happens to releases: tools by CDEvents or webhooks, people by chat or mail."""
