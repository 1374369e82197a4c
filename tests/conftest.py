"""What holds for every test."""

import os

os.environ.pop("COLUMNS", None)  # the command line's own width, also under a test runner that sets one
os.environ["SPRINGDRIFT_SETTINGS"] = os.path.join(os.path.dirname(__file__), "none.json")  # not the user's
