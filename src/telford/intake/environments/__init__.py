"""Several environments of one organisation are one estate: their names are recognised and their
documents laid over one another.
"""
