"""Adapters of `telford.ports.git`: a bare repository, GitHub, GitLab and Gitea.

`connecting` makes one from an address and a reference to a token.
"""
