"""A place of its own for each test, with the real Envoy, ended afterwards whatever happened."""

import pytest
from local_samples import QUICK

from telford.backends.local.place import LocalPlace
from telford.basics.errors import TelfordError


@pytest.fixture
def places(tmp_path):
    """Start places; all of them are stopped at the end."""
    started = []

    def start(name="place", settings=QUICK):
        place = LocalPlace.start(tmp_path / name, settings)
        started.append(place)
        return place

    yield start
    problems = []
    for place in started:
        try:
            place.stop(20)
        except TelfordError as error:
            problems.append(str(error))
    assert not problems


@pytest.fixture
def place(places):
    """One running place."""
    return places()
