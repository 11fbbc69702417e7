#!/bin/sh
# Made by telford of architecture/shop. Change the estate, not this file.
# No known weakness that has a remedy.
set -eu
export TRIVY_CACHE_DIR="$PWD/.trivy"
trivy image --input image.tar --severity "$SEVERITIES" --ignore-unfixed --exit-code 1 --no-progress
