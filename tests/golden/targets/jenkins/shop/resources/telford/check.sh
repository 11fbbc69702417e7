#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# Nothing is wrong in the estate, and what is committed is what it says.
set -eu
venv=$(mktemp -d)
python -m venv "$venv"
PATH=$venv/bin:$PATH
python -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
  --require-hashes --requirement "$LOCK"
telford check --estate "$ESTATE" --strict
telford plan --estate "$ESTATE" --out "$OUT" --fail-on-change
root=$PWD
cd "$OUT/$PIPELINES"
find . -type f | sort | while IFS= read -r file; do
  cmp "$file" "$root/$file"
done
