#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# The sources do what their tests say.
set -eu
make -C "$SOURCE" test
