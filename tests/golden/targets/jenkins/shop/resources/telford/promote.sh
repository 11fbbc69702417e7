#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# The digest, step by step, in one place; rolled back by itself where it is worse.
set -eu
venv=$(mktemp -d)
python -m venv "$venv"
PATH=$venv/bin:$PATH
python -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
  --require-hashes --requirement "$LOCK"
case " $PLACES " in
  *" $PLACE "*) ;;
  *) echo "$SERVICE is not in $PLACE"; exit 0 ;;
esac
telford release "$SERVICE" --image "$IMAGE@$DIGEST" --version "$COMMIT" --in "$PLACE" \
  --estate "$ESTATE" --reason "pipeline, commit $COMMIT" --yes --watch
