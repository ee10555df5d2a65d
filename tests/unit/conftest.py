"""Property tests keep no database: what failed once is written down as a test."""

from hypothesis import settings

settings.register_profile("house", database=None, deadline=None)
settings.load_profile("house")
