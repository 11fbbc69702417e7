"""Service level objectives in foreign forms (OpenSLO, Sloth, Pyrra) -> Objective documents."""
