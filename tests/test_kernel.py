"""The rooms of the kernel: what is named is there, what is observed is filled, and one code runs all."""

import ast
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from springdrift import SCENARIOS, InclinedMassWorld
from springdrift.incline import kernel, plan
from springdrift.incline.kernel import columns, layout, scratch
from springdrift.incline.observation import MODES, OBSERVE
from springdrift.incline.state import FIELDS, MEASUREMENTS, empty_batch, read_lanes
from springdrift.incline.world import KERNELS
from springdrift.series.world import SeriesWorld

ROOMS = sorted(Path(kernel.__file__).parent.glob("*.py"))


def named(namespace: str) -> set[str]:
    """What the rooms take from a namespace, as ``L.SWING`` takes SWING from L."""
    return {
        node.attr
        for room in ROOMS
        for node in ast.walk(ast.parse(room.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == namespace
    }


def test_every_name_of_a_namespace_that_the_rooms_use_is_there():
    for letter, module in (("L", layout), ("T", scratch), ("O", columns), ("P", plan)):
        assert named(letter), letter
        assert {name for name in named(letter) if not hasattr(module, name)} == set()


def test_every_number_of_a_plan_is_read_by_the_kernel():
    """A law that writes a number which nothing reads would silently do nothing."""
    assert {name for name in plan.SLOTS if name.upper() not in named("P")} == set()


def test_every_field_is_where_the_table_of_the_state_says():
    batch = empty_batch(1, layout.LANES)
    batch.real[:] = np.arange(batch.real.size)
    for field in FIELDS:
        assert batch.field(field.name).flat[0] == getattr(layout, field.name.upper())


@pytest.mark.parametrize("observe", OBSERVE)
@pytest.mark.parametrize("entry", [entry for entry, _ in KERNELS], ids=lambda entry: f"{entry.LANES} lanes")
def test_every_column_is_filled(entry, observe):
    world = InclinedMassWorld(entry.LANES, observe=observe)
    assert world.kernel is entry
    world.seed(np.arange(world.count), np.arange(world.count, dtype=np.uint64))
    world.begin(np.ones(world.count, bool))
    seen = np.full((len(OBSERVE[observe]), entry.LANES), np.nan, np.float32)
    entry.show(world.batch.real[0], seen.reshape(-1), world.latency, MODES[observe])
    assert {
        column.name for column, row in zip(OBSERVE[observe], seen, strict=True) if np.isnan(row).any()
    } == set()
    assert np.array_equal(seen.T, world.out.obs)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cycle_that_is_followed_is_the_cycle_that_is_run(scenario):
    world = InclinedMassWorld(3, scenario)
    world.seed(np.arange(3), np.arange(7, 10, dtype=np.uint64))
    world.begin(np.ones(3, bool))
    world.fill_idle()
    rng = np.random.default_rng(1)
    for _ in range(30):
        decisions = rng.integers(3, size=3)
        before, lane = world.get_state(), int(rng.integers(3))
        path, seen = world.follow(read_lanes(world.batch, np.array([lane])), int(decisions[lane]))
        for part, then in zip(world.batch, before[:2], strict=True):
            assert np.array_equal(part, then)
        assert path[0] == world.batch.lanes("x", 3)[lane]
        world.advance(decisions)
        assert path[-1] == world.batch.lanes("x", 3)[lane]
        assert (
            np.float32(0.5) * np.float32(np.ptp(path.astype(np.float32)))
            == world.batch.lanes("swing", 3)[lane]
        )
        for row, ring in zip(seen, ("window_f", "window_u", "window_y"), strict=True):
            assert np.array_equal(row, world.batch.window(ring)[0, -MEASUREMENTS:, lane])


def test_each_width_is_the_same_rooms_with_other_lanes():
    for entry, _ in KERNELS:
        package = import_module(entry.__package__)
        assert entry.LANES == package.LANES
        assert list(package.__path__) == list(kernel.__path__)
        assert (
            import_module(f"{entry.__package__}.layout").SWING == layout.SWING // layout.LANES * entry.LANES
        )


def test_a_room_can_be_read_at_one_sitting():
    assert max(len(room.read_text().splitlines()) for room in ROOMS) <= 250


@pytest.mark.parametrize("observe", SeriesWorld.observations)
def test_every_column_of_the_series_is_filled(observe):
    world = SeriesWorld(2, observe=observe)
    world.seed(np.arange(2), np.arange(2, dtype=np.uint64))
    world.begin(np.ones(2, bool))
    then = world.out.obs.copy()
    world.out.obs[:] = np.nan
    world.show(np.ones(2, bool))
    assert np.array_equal(world.out.obs, then)
    for _ in range(3):
        world.out.obs[:] = np.nan
        world.advance(np.array([0, 2]))
        assert not np.isnan(world.out.obs).any()
