#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# The sources look as the team agreed.
set -eu
make -C "$SOURCE" lint
