"""What an episode of the series world can be of: generated scenarios and recordings, by name."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from springdrift.game.arguments import did_you_mean
from springdrift.series.recording import RECORDINGS, Recording, load
from springdrift.series.scenario import GENERATED, Scenario

Source = Scenario | Recording


class Scenarios(MutableMapping[str, Source]):
    """The generated scenarios, the recordings that ship and those that users register, by name.

    A recording is read when it is asked for.
    """

    def __init__(self, generated: Mapping[str, Scenario] = GENERATED) -> None:
        self._known: dict[str, Source] = dict(generated)

    def __getitem__(self, name: str) -> Source:
        if name in self._known:
            return self._known[name]
        if name in RECORDINGS:
            return load(name)
        raise KeyError(name)

    def __setitem__(self, name: str, source: Source) -> None:
        self._known[name] = source

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._known, *(name for name in RECORDINGS if name not in self._known)))

    def __len__(self) -> int:
        return len({*self._known, *RECORDINGS})

    def generated(self) -> dict[str, Source]:
        """Those that draw a fresh series for each episode."""
        return {name: one for name, one in self._known.items() if isinstance(one, Scenario)}


SCENARIOS = Scenarios()


def resolve(scenario: Any, known: Mapping[str, Source] = SCENARIOS) -> Source:
    """The scenario or recording of a name among those ``known``, the one passed, or that of plain data.

    >>> resolve("co2").unit
    'ppm'
    >>> resolve("abrubt")
    Traceback (most recent call last):
    ValueError: unknown scenario 'abrubt'; did you mean 'abrupt'? Allowed: stationary, gradual, abrupt, \
recurring, tilt, shock, faulty-sensor, driver, compound, chaos, poc, release-train, mix, co2, \
brent, solar-flux, generation, elnino, electricity, traffic, bitcoin, or a Scenario or Recording of \
springdrift.series
    """
    if isinstance(scenario, Scenario | Recording):
        return scenario
    if isinstance(scenario, Mapping):
        return Recording.from_dict(scenario) if "y" in scenario else Scenario.from_dict(scenario)
    if isinstance(scenario, str) and scenario in known:
        return known[scenario]
    hint = did_you_mean(scenario, known)
    raise ValueError(
        f"unknown scenario {scenario!r}{hint} Allowed: {', '.join(known)}, or a Scenario or Recording of "
        "springdrift.series"
    )
