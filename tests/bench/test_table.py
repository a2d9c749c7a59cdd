"""The verdict of the benchmark, from samples made by hand."""

from __future__ import annotations

from tests.bench.process import Sample
from tests.bench.table import ROWS, Row, Samples, result, results, table

ROW = Row(name="cold", contest="cold", ours="this", theirs="that", bar=0.2)


def samples(*pairs: tuple[float, float], megabytes: float = 10.0) -> Samples:
    return Samples([Sample(ours, ours, megabytes) for ours, _ in pairs], [Sample(theirs, theirs, 50.0) for _, theirs in pairs])


def test_one_slow_round_of_three_does_not_decide() -> None:
    found = result(ROW, samples((1.0, 10.0), (1.0, 10.0), (9.0, 10.0)))
    assert (found.ours, found.theirs, found.ratio, found.ok) == (1.0, 10.0, 0.1, True)


def test_a_ratio_above_its_bar_is_a_miss() -> None:
    found = result(ROW, samples((2.1, 10.0)))
    assert not found.ok
    assert "MISS" in table([found])


def test_memory_is_held_to_megabytes_and_not_to_the_rival() -> None:
    row = next(row for row in ROWS if row.unit == "MB")
    assert result(row, samples((1.0, 10.0), megabytes=79.0)).ok
    assert not result(row, samples((1.0, 10.0), megabytes=81.0)).ok


def test_the_table_says_what_is_compared() -> None:
    found = results(ROWS, {row.contest: samples((1.0, 100.0)) for row in ROWS})
    text = table(found)
    assert all(row.ours in text and row.theirs in text for row in ROWS)
    assert [item.as_json()["row"] for item in found] == [row.name for row in ROWS]


def test_times_per_service_are_shown_in_milliseconds() -> None:
    row = Row(name="grow", contest="grow", ours="this", theirs="that", bar=1.25, unit="ms")
    found = result(row, samples((0.0012, 0.001)))
    assert found.ok
    assert "1.20 ms    1.00 ms    1.20" in table([found])


def test_growth_that_noise_has_swallowed_is_no_pass() -> None:
    row = Row(name="grow", contest="grow", ours="this", theirs="that", bar=1.25, unit="ms")
    found = result(row, samples((0.05, -0.003)))
    assert not found.ok
    assert found.as_json()["ratio"] is None
