"""How often a process that ticks looks for garbage.

A tick makes hundreds of objects a release and drops nearly all of them at its end; none of them is
a circle, so counting references is enough. Python's collector looks at everything that is alive
again and again meanwhile: with a thousand releases that took a third of a tick's processor time.
Called by the controller's loop, and by what measures it.
"""

import gc

OBJECTS = 200_000
"""How many objects more than were freed there are before the young ones are looked at (Python's own
choice is 700). A tick of a thousand releases holds 110,000 at once; so many circles, where somebody
makes them, are some tens of megabytes."""


def settle() -> None:
    """What the process has now it keeps: leave that out, and look at the rest less often.

    For the whole process; calling it again costs a tenth of a second and does no harm.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
