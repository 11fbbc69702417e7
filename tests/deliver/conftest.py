"""Hypothesis on a busy machine: no test here fails because it was slow. And tools/ on the path."""

import pathlib
import sys

import hypothesis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
