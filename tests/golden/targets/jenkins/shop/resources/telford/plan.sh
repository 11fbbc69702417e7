#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# What the change would do to what was built before it.
set -eu
venv=$(mktemp -d)
python -m venv "$venv"
PATH=$venv/bin:$PATH
python -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
  --require-hashes --requirement "$LOCK"
telford plan --estate "$ESTATE" --out "$BASE/$OUT" --json > plan.json
telford plan --estate "$ESTATE" --out "$BASE/$OUT" --diff > plan.txt
{
  printf '## What this change does\n\n````diff\n'
  head -c "$COMMENT_BYTES" plan.txt
  printf '\n````\n'
} > plan.md
