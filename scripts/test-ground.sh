#!/bin/sh
# What the tests stand on: an engine and its images. Where no engine can be had, that is said and the tests that need one
# are skipped, unless DEVSTACK_REQUIRE_ENGINE=1 makes it an error.
set -eu
cd "$(dirname "$0")"
if PYTHON=${PYTHON:-python3} ./engine-debian.sh; then
  exec ./images.sh
fi
if [ "${DEVSTACK_REQUIRE_ENGINE:-}" = 1 ]; then
  exit 4
fi
echo "tests: no container engine, so the tests that need one are skipped" >&2
