"""Reference solutions of lesson 2."""

from springdrift import Jump, Scenario, Trend
from springdrift_agents.course.variants import given

# A: the error stays low and the swing dies; B: a staircase; C: spikes; D: no step anywhere
culprits = ["wear", "abrupt", "faulty-sensor", "gradual"]

workshop = Scenario(
    "workshop",
    "the spring is swapped now and then, and nobody oils the slope",
    laws=(
        Jump("stiffness", (6.0, 15.0), given("2.2")["least"]),
        Trend("friction", (0.00005, 0.0001), (0.0, 0.03)),
    ),
    onset=(20, 30),
    gap=(50, 70),
    cycles=given("2.2")["cycles"],
)


def first_lasting(errors, limit, run):
    streak = 0
    for cycle, error in enumerate(errors):
        streak = streak + 1 if error > limit else 0
        if streak == run:
            return cycle
    return -1


error_by_driver = """
    SELECT drivers.driver_key, count(*) AS cycles, avg(measurements.error) AS error
    FROM measurements JOIN drivers ON drivers.id = measurements.driver
    GROUP BY drivers.driver_key
    ORDER BY error DESC
"""

error_by_match = """
    SELECT fitted.driver_key = now.driver_key AS same, count(*) AS cycles, avg(measurements.error) AS error
    FROM measurements
    JOIN drivers AS now ON now.id = measurements.driver
    JOIN (
        SELECT models.episode, models.version, drivers.driver_key
        FROM models
        JOIN measurements ON measurements.episode = models.episode
                         AND measurements.cycle = coalesce(models.requested - 1, 0)
        JOIN drivers ON drivers.id = measurements.driver
    ) AS fitted ON fitted.episode = measurements.episode AND fitted.version = measurements.model_version
    GROUP BY same
    ORDER BY same
"""

mean_day = f"""
    SELECT drivers.effect, m.t % 24 AS hour, avg(m.y) AS y
    FROM measurements AS m
    JOIN drivers ON drivers.series_id = m.series_id AND drivers.driver_key = m.driver_key
    WHERE m.t >= 24 * {given("2.6")["days"]}
    GROUP BY effect, hour
    ORDER BY effect, hour
"""
