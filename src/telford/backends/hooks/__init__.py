"""Whoever gates ask: webhooks over HTTP, commands on this machine. Implements `ports.Hooks`.

`calling` asks a URL, `running` runs a program, `signing` signs, `filling` puts what is known of a
release into both. Made by `telford up` alone, with the estate's folder and its own environment.
"""
