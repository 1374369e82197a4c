"""What holds for every test."""

import os

collect_ignore = ["retrainopt/check.py"]  # it runs in an environment of its own
collect_ignore_glob = ["frameworks/*"]  # each of them in one of its own, too

os.environ.pop("COLUMNS", None)  # the command line's own width, also under a test runner that sets one
os.environ["SPRINGDRIFT_SETTINGS"] = os.path.join(os.path.dirname(__file__), "none.json")  # not the user's
os.environ["SPRINGDRIFT_COMPILE"] = "first"  # nothing in the background, but where a test is about that
