#!/bin/sh
# The main job: start the agent platform and prove that it works. Where no container engine can be had, its services run as
# processes of this machine.
set -eu
cd "$(dirname "$0")/.."
devstack=$PWD/.venv/bin/devstack
if scripts/engine-debian.sh; then
  scripts/images.sh postgres:17 python:3.13-slim node:22-slim
else
  echo "demo: no container engine can be had, so the services run as processes of this machine (--engine native)" >&2
  export DEVSTACK_ENGINE=native
fi
cd examples/agent-platform
"$devstack" up
"$devstack" verify
"$devstack" status
echo "stop it: cd examples/agent-platform && ../../.venv/bin/devstack down${DEVSTACK_ENGINE:+ --engine $DEVSTACK_ENGINE}"
