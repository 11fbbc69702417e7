#!/bin/sh
# Made by telford of architecture/tideway. Change the estate, not this file.
# The sources do what their tests say.
set -eu
make -C "$SOURCE" test
