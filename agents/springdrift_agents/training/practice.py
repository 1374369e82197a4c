"""Worlds to train on, and worlds held out beyond their ranges.

``PRACTICE`` holds a mixture for a kind of world by its id. That of the inclined mass draws every built-in
scenario, those oftener in which there is more to learn, and some with harder draws. ``HELD_OUT`` goes past
every range that it draws from: what a policy costs there tells how far it has learned the problem and not
the draws.
"""

from springdrift import ENV_ID, Jump, Outlier, Scenario, Shock, Trend, Walk

_OFTEN = {
    "stationary": 1, "gradual": 2, "abrupt": 2, "recurring": 2, "wear": 3, "tilt": 3, "fade": 2, "shock": 1,
    "faulty-sensor": 4, "driver": 1, "compound": 3, "chaos": 1, "poc": 1, "release-train": 1,
}  # fmt: skip
_HARDER = (
    Scenario("gradual-harder", "the stiffness walks fast", (Walk("stiffness", 0.5, (5.0, 17.0)),)),
    Scenario(
        "abrupt-harder",
        "jumps come sooner",
        (Jump("stiffness", (5.0, 17.5), 2.0),),
        onset=(5, 40),
        gap=(25, 60),
    ),
    Scenario("wear-harder", "friction grows fast", (Trend("friction", (1.2e-4, 1.6e-4), (0.0, 0.03)),)),
    Scenario(
        "tilt-harder",
        "the incline creeps fast",
        (Trend("tilt", (0.002, 0.003), (0.3, 0.9), either_way=True),),
    ),
    Scenario(
        "compound-harder",
        "many at once, faster",
        (
            Walk("stiffness", 0.15, (5.0, 17.0)),
            Jump("stiffness", (5.5, 16.5), 2.0),
            Trend("friction", (0.4e-4, 0.9e-4), (0.0, 0.03)),
            Trend("tilt", (0.0, 0.0015), (0.3, 0.9), either_way=True),
            Shock(0.03, 0.2),
            Outlier(0.03, 0.3),
        ),
    ),
)
PRACTICE_NAME = "practice"
_INCLINE = Scenario(
    PRACTICE_NAME,
    "every scenario, some with harder draws",
    members=(*(name for name, times in _OFTEN.items() for _ in range(times)), *_HARDER),
)
PRACTICE = {ENV_ID: _INCLINE}

HELD_OUT = {
    scenario.name: scenario
    for scenario in (
        Scenario("gradual-beyond", "walks faster than any", (Walk("stiffness", 0.75, (3.5, 20.0)),)),
        Scenario(
            "abrupt-beyond", "jumps further than any", (Jump("stiffness", (3.5, 21.0), 5.0),), gap=(20, 50)
        ),
        Scenario(
            "wear-beyond",
            "friction grows faster than any",
            (Trend("friction", (1.8e-4, 2.4e-4), (0.0, 0.05)),),
        ),
        Scenario(
            "tilt-beyond",
            "the incline creeps faster than any",
            (Trend("tilt", (0.0035, 0.005), (0.2, 1.0), either_way=True),),
        ),
        Scenario(
            "compound-beyond",
            "many at once, faster than any",
            (
                Walk("stiffness", 0.25, (3.5, 20.0)),
                Jump("stiffness", (4.0, 19.0), 4.0),
                Trend("friction", (1.0e-4, 1.5e-4), (0.0, 0.05)),
                Trend("tilt", (0.002, 0.003), (0.2, 1.0), either_way=True),
                Shock(0.05, 0.3),
                Outlier(0.05, 0.4),
            ),
            gap=(25, 60),
        ),
    )
}
