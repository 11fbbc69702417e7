"""The kinds of things an estate holds: one pydantic model each, in one explicit list.

`telford.estate.kinds.registry.KINDS` is the list. To add a kind: write its class in the file of
its family, add it to the list, give it an example in its docstring's page; everything else (load,
check, explain, schema, catalogue) follows from the model.
"""
