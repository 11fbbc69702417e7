"""What several targets share: names (`conventions`), defaults with their sources, who may reach
whom, burn-rate arithmetic, and the YAML that is written out. Read by intake, rules, render and
everything above; knows no target and does no I/O.
"""
