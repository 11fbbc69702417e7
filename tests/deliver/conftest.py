"""Hypothesis on a busy machine: no test here fails because it was slow."""

import hypothesis

hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
