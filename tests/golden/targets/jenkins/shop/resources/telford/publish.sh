#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# The image goes to its registry; from here on it is known by its digest.
set -eu
auth=$(mktemp)
trap 'rm -f "$auth"' EXIT
printf '{}' > "$auth"
printf '%s' "$REGISTRY_PASSWORD" |
  skopeo login --authfile "$auth" --username "$REGISTRY_USERNAME" --password-stdin "${IMAGE%%/*}"
skopeo copy --authfile "$auth" --digestfile digest.txt docker-archive:image.tar \
  "docker://$IMAGE:$COMMIT"
