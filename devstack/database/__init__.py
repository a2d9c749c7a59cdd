"""The database half: SQL files applied and remembered, snapshots of volumes, the shell."""
