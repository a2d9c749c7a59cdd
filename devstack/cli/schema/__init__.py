"""`devstack schema ...`: one file a command, and what those commands share."""
