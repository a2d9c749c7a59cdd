"""devstack.yml -> Spec, and its JSON Schema."""
