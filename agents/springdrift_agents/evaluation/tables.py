"""The tables of a file of runs, and which of them hold an episode cycle by cycle."""

from collections.abc import Sequence

from springdrift.incline.reward import OPS_TERMS
from springdrift.incline.state import DRIFTING
from springdrift_agents.evaluation.diagnosis import FINDINGS

APPLICATION, VERSION = 0x53505244, 3  # "SPRD", and the layout of the tables
_EPISODE = "episode INTEGER NOT NULL REFERENCES episodes(id) ON DELETE CASCADE"


def _reals(names: Sequence[str]) -> str:
    return ", ".join(f"{name} REAL NOT NULL" for name in names)


SCHEMA = f"""
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created TEXT NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE parts (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  scenario TEXT NOT NULL, policy TEXT NOT NULL, calendar REAL, sha256 TEXT NOT NULL,
  UNIQUE (run, scenario, policy));
CREATE TABLE episodes (
  id INTEGER PRIMARY KEY, part INTEGER NOT NULL REFERENCES parts(id) ON DELETE CASCADE,
  seed INTEGER NOT NULL, {_reals(OPS_TERMS)}, {_reals(FINDINGS)}, UNIQUE (part, seed));
CREATE TABLE recordings (
  episode INTEGER PRIMARY KEY REFERENCES episodes(id) ON DELETE CASCADE, sha256 TEXT NOT NULL);
CREATE TABLE drivers (
  id INTEGER PRIMARY KEY, driver_key INTEGER NOT NULL, {_reals(DRIFTING)},
  UNIQUE (driver_key, {", ".join(DRIFTING)}));
CREATE TABLE models (
  {_EPISODE}, version INTEGER NOT NULL, requested INTEGER, deployed INTEGER NOT NULL,
  PRIMARY KEY (episode, version));
CREATE TABLE model_versions (
  {_EPISODE}, version INTEGER NOT NULL, parent INTEGER, kind TEXT NOT NULL,
  fitted_from INTEGER NOT NULL, fitted_to INTEGER NOT NULL, fit_error REAL NOT NULL, served INTEGER NOT NULL,
  PRIMARY KEY (episode, version),
  FOREIGN KEY (episode, version) REFERENCES models(episode, version),
  FOREIGN KEY (episode, parent) REFERENCES model_versions(episode, version));
CREATE TABLE decisions (
  {_EPISODE}, cycle INTEGER NOT NULL, action TEXT NOT NULL, {_reals(OPS_TERMS)},
  PRIMARY KEY (episode, cycle));
CREATE TABLE measurements (
  {_EPISODE}, cycle INTEGER NOT NULL, model_version INTEGER NOT NULL,
  driver INTEGER NOT NULL REFERENCES drivers(id),
  {_reals(("error", "swing", "level", "alarm"))}, PRIMARY KEY (episode, cycle),
  FOREIGN KEY (episode, model_version) REFERENCES models(episode, version));
"""
RECORDED = {  # what is kept of an episode cycle by cycle
    "models": "SELECT * FROM models WHERE episode = ? ORDER BY version",
    "model_versions": "SELECT * FROM model_versions WHERE episode = ? ORDER BY version",
    "decisions": "SELECT * FROM decisions WHERE episode = ? ORDER BY cycle",
    "measurements": "SELECT measurements.*, drivers.* FROM measurements JOIN drivers ON driver = drivers.id "
    "WHERE episode = ? ORDER BY cycle",
}
TABLES = (
    *("runs", "parts", "episodes", "recordings", "drivers"),
    *("models", "model_versions", "decisions", "measurements"),
)
