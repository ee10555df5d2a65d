"""Speed, as ratios within one run: our broker beside the do-nothing relay. `python -m benchmarks`, or `make bench`."""
