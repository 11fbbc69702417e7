"""Works on one step until it is no longer running, in a process that tests kill: FOLDER PLAN STEP
GENERATION, where PLAN is a DataTask as JSON. The address comes by DATA_URL.
"""

import json
import os
import pathlib
import sys
import time

from telford.backends.data.runner import DataRunner
from telford.basics.clock import SystemClock
from telford.basics.errors import TemporaryError
from telford.ports.data import DataTask

FOLDER, PLAN, STEP, GENERATION = sys.argv[1:]
TASK = DataTask.from_json(json.loads(PLAN))
RUNNER = DataRunner(pathlib.Path(FOLDER), os.environ, SystemClock())

while True:
    try:
        views = RUNNER.run(TASK, STEP, int(GENERATION))
    except TemporaryError:  # a child of a killed runner may need a moment to end
        time.sleep(0.05)
        continue
    view = next(one for one in views if one.name == STEP)
    if view.status != "running":
        break
sys.exit(0 if view.status == "done" else 1)
