#!/usr/bin/env bash
# The package as its users meet it: packed, and run by npx in an empty folder, from the tarball and from the folder.
# CI runs this; it needs a registry for the production dependencies.
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
port=${DEMO_PORT:-3918}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cd "$project"
tarball=$(npm pack --silent --pack-destination "$place" | tail -n 1)
tar tzf "$place/$tarball" >"$place/files.txt"
for file in dist/server.js dist-cli/cli/cli.js dist-cli/simulator/index.js; do
  grep -qx "package/$file" "$place/files.txt"
done
if grep -E '^package/(src|simulator|cli|test|bench|scripts)/|\.map$' "$place/files.txt"; then
  echo 'the package holds what no user needs'
  exit 1
fi
version=$(node -p 'require("./package.json").version')

try() {
  mkdir "$place/$1" && cd "$place/$1"
  echo "-- npx from the $1"
  [ "$(timeout 180 npm exec --yes --package="$2" -- parley --version)" = "$version" ]
  PORT=$port timeout 180 npm exec --yes --package="$2" -- parley demo --once >demo.txt
  grep -q 'x-ignored-params: seed' demo.txt
  if env -u INFERENCE_KEY timeout 60 npm exec --yes --package="$2" -- parley >start.txt 2>&1; then
    echo 'a server without settings started'
    exit 1
  fi
  grep -q 'parley demo' start.txt
}
try tarball "$place/$tarball"
try folder "$project"
