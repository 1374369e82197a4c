"""The series world: a time series with hidden drivers, and a deployed forecast that grows stale."""

from springdrift.series.boosting import gradient_boosting as gradient_boosting
from springdrift.series.catalogue import SCENARIOS as SCENARIOS
from springdrift.series.costs import Costs as Costs
from springdrift.series.laws import BadRelease as BadRelease
from springdrift.series.laws import Chaos as Chaos
from springdrift.series.laws import Jump as Jump
from springdrift.series.laws import Missing as Missing
from springdrift.series.laws import Outlier as Outlier
from springdrift.series.laws import Promotion as Promotion
from springdrift.series.laws import Recurring as Recurring
from springdrift.series.laws import Stuck as Stuck
from springdrift.series.laws import Trend as Trend
from springdrift.series.laws import Walk as Walk
from springdrift.series.optimum import best_calendar as best_calendar
from springdrift.series.optimum import best_threshold as best_threshold
from springdrift.series.optimum import cost_of as cost_of
from springdrift.series.optimum import optimum as optimum
from springdrift.series.optimum import problem as problem
from springdrift.series.optimum import square_root_calendar as square_root_calendar
from springdrift.series.recording import RECORDINGS as RECORDINGS
from springdrift.series.recording import Recording as Recording
from springdrift.series.recording import load as load
from springdrift.series.scenario import Scenario as Scenario
from springdrift.series.staleness import Staleness as Staleness
from springdrift.series.staleness import staleness as staleness
from springdrift.series.world import SeriesWorld as SeriesWorld
