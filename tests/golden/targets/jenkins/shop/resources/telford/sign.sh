#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# The digest is signed, with what is inside it and where it comes from; then looked at.
set -eu
DOCKER_CONFIG=$(mktemp -d)
TUF_ROOT=$DOCKER_CONFIG/tuf
export DOCKER_CONFIG TUF_ROOT
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
printf '%s' "$REGISTRY_PASSWORD" |
  cosign login --username "$REGISTRY_USERNAME" --password-stdin "${IMAGE%%/*}"
cosign sign --yes "$IMAGE@$DIGEST"
cosign attest --yes --type cyclonedx --predicate sbom.cdx.json "$IMAGE@$DIGEST"
cosign attest --yes --type slsaprovenance1 --predicate provenance.json "$IMAGE@$DIGEST"
cosign verify --certificate-oidc-issuer "$ISSUER" --certificate-identity-regexp "$IDENTITY" \
  "$IMAGE@$DIGEST" > verified.json
