#!/bin/sh
# Install what `make bench-build` measures beside telford: helm and kubectl come with the test tools;
# jsonnet from a pinned wheel, cdk8s from npm (tools/peers/package-lock.json), where Node is there.
# Usage: tools/install-peers.sh DIR    everything goes to DIR/peers. Safe to run again.
set -eu

dir=${1:?usage: install-peers.sh DIR}
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
mkdir -p "$dir/peers"
dir=$(cd "$dir/peers" && pwd)

if [ ! -x "$dir/jsonnet/bin/python" ] || ! cmp -s "$dir/peers.lock" "$here/requirements/peers.lock"; then
  "$python" -m venv "$dir/jsonnet"
  "$dir/jsonnet/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r "$here/requirements/peers.lock"
  cp "$here/requirements/peers.lock" "$dir/peers.lock"
fi
cp "$here/tools/peers/services.jsonnet" "$here/tools/peers/jsonnet.py" "$dir/"

if command -v npm >/dev/null 2>&1; then
  cp "$here"/tools/peers/package.json "$here"/tools/peers/package-lock.json \
    "$here"/tools/peers/.npmrc "$here"/tools/peers/services.mjs "$dir/"
  [ -d "$dir/node_modules/cdk8s" ] || (cd "$dir" && npm ci --silent >/dev/null)
else
  echo "cdk8s needs Node and npm: it will be left out" >&2
fi
