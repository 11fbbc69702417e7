#!/bin/sh
# Made by telford of architecture/tideway. Change the estate, not this file.
# What was built before the change.
set -eu
git fetch --quiet origin "$CHANGE_TARGET"
git worktree prune
git worktree add --force --detach "$BASE" FETCH_HEAD
