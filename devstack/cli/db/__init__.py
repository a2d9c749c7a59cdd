"""The commands of `devstack db`."""
