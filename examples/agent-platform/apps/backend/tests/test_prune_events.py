from conftest import Scratch

MONTHS = "SELECT relid::regclass::text FROM pg_partition_tree('execution_events') WHERE isleaf"
AGES = """
    SELECT round(extract(epoch FROM now() - timestamp) / 86400)::int
      FROM execution_events ORDER BY timestamp
"""


def fill(database: Scratch, *days_ago: int) -> None:
    """A run with an event on each of those days; their months get partitions."""
    database.execute(
        "WITH one AS (INSERT INTO workflows (name) VALUES ('w') RETURNING id)"
        " INSERT INTO workflow_runs (workflow_id) SELECT id FROM one"
    )
    for days in days_ago:
        moment = f"now() - make_interval(days => {days})"
        database.execute(f"SELECT ensure_execution_event_partitions(0, {moment})")
        database.execute(
            "INSERT INTO execution_events (run_id, event_type, timestamp)"
            f" SELECT id, 'log', {moment} FROM workflow_runs"
        )


def test_old_months_are_dropped_whole_and_the_rest_row_by_row(database: Scratch) -> None:
    fill(database, 200, 91, 89, 0)
    month_of_200 = database.value(
        "SELECT tableoid::regclass::text FROM execution_events ORDER BY timestamp LIMIT 1"
    )
    pruned = database.run_module("app.prune_events")
    assert pruned.returncode == 0, pruned.stderr
    assert database.column(AGES) == [89, 0]
    assert month_of_200 not in database.column(MONTHS)
    assert f"{month_of_200}: dropped with 1 events" in pruned.stdout
    assert pruned.stdout.splitlines()[-1].startswith("2 events from before")


def test_old_rows_of_the_default_partition_go_too(database: Scratch) -> None:
    fill(database, 0)
    database.execute(
        "INSERT INTO execution_events (run_id, event_type, timestamp)"
        " SELECT id, 'log', now() - interval '400 days' FROM workflow_runs"
    )
    assert database.value("SELECT count(*) FROM execution_events_default") == 1
    assert database.run_module("app.prune_events").returncode == 0
    assert database.column(AGES) == [0]
    assert "execution_events_default" in database.column(MONTHS)


def test_a_dry_run_says_the_same_and_removes_nothing(database: Scratch) -> None:
    fill(database, 200, 91, 0)
    months = database.column(MONTHS)
    dry = database.run_module("app.prune_events", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.splitlines()[-1].startswith("2 events from before")
    assert dry.stdout.splitlines()[-1].endswith("would be removed")
    assert database.column(AGES) == [200, 91, 0]
    assert database.column(MONTHS) == months


def test_days_moves_the_cutoff(database: Scratch) -> None:
    fill(database, 45, 29, 5)
    assert database.run_module("app.prune_events", "--days", "30").returncode == 0
    assert database.column(AGES) == [29, 5]


def test_a_second_prune_finds_nothing(database: Scratch) -> None:
    fill(database, 200, 0)
    database.run_module("app.prune_events")
    again = database.run_module("app.prune_events")
    assert again.stdout.startswith("0 events from before")
    assert database.column(AGES) == [0]


def test_many_rows_go_in_batches(database: Scratch) -> None:
    # Two batches and a bit, in the default partition, which is never dropped.
    fill(database, 0)
    database.execute(
        "INSERT INTO execution_events (run_id, event_type, timestamp)"
        " SELECT id, 'log', now() - interval '400 days'"
        " FROM workflow_runs, generate_series(1, 20500)"
    )
    pruned = database.run_module("app.prune_events")
    assert "execution_events_default: 20500 events deleted" in pruned.stdout
    assert database.column(AGES) == [0]


def test_coming_months_get_their_partitions(database: Scratch) -> None:
    fill(database)
    last = database.value(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 months',"
        ' \'"execution_events_y"YYYY"m"MM\')'
    )
    database.execute(f"DROP TABLE {last}")
    pruned = database.run_module("app.prune_events")
    assert f"{last}: created" in pruned.stdout
    assert last in database.column(MONTHS)


def test_runs_outlive_their_events(database: Scratch) -> None:
    fill(database, 200)
    database.run_module("app.prune_events")
    assert database.value("SELECT count(*) FROM workflow_runs") == 1


def test_a_wrong_number_of_days_is_a_usage_error(database: Scratch) -> None:
    fill(database, 200)
    for days in ("0", "-1", "x", "36501"):
        refused = database.run_module("app.prune_events", "--days", days)
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr
    assert database.column(AGES) == [200]


def test_without_schema_it_fails_in_one_line(empty_database: Scratch) -> None:
    failed = empty_database.run_module("app.prune_events")
    assert failed.returncode == 1
    assert failed.stderr == 'error: relation "execution_events" does not exist\n'
