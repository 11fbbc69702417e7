"""Last applied + desired + observed -> an immutable Plan. Pure: reads and writes nothing.

`actions` decides, `fields` and `texts` say in words what a change would do. Called by
`telford.app.planning` and shown by the CLI and the portal.
"""
