#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# One image, as a file: what is scanned is what is published.
set -eu
set -- --file "$SOURCE/$DOCKERFILE" --tag "$IMAGE:$COMMIT"
if [ -n "$TARGET" ]; then
  set -- "$@" --target "$TARGET"
fi
while IFS= read -r argument; do
  if [ -n "$argument" ]; then
    set -- "$@" --build-arg "$argument"
  fi
done <<END
$BUILD_ARGS
END
docker build "$@" "$SOURCE"
docker save --output image.tar "$IMAGE:$COMMIT"
