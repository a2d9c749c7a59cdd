"""A corpus of Compose files that use every key of a service, brought up by `docker compose` and by devstack, and compared.

`python -m tests.engine.parity` prints the table of what `docker inspect` says differently, each line with its reason.
The files:

* `*.yaml` - the stacks, each of many small services; `files/` holds what they refer to.
* `corpus.py` - which stacks there are, and how each is brought up.
* `keys.py` - the keys of a service at every depth, and which of them cannot be tried.
* `snapshot.py` - everything `docker inspect` says about a project, as flat settings without ids, times and chosen addresses.
* `differences.py` - the settings that differ, and why.
"""
