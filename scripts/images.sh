#!/bin/sh
# Make the named images available (all that are known when none is named): nothing is done where they are there or the
# engine reaches the registry; elsewhere stand-ins are built. See tests/images/README.md.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-$(command -v python3)}
if [ -z "${DOCKER_HOST:-}" ] && command -v docker >/dev/null 2>&1; then
  DOCKER_HOST=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo unix:///var/run/docker.sock)
  export DOCKER_HOST
fi
exec "$python" tests/images/build.py --unless-registry "$@"
