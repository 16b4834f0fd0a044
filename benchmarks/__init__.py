"""How fast BeatSync is, as ratios against floors and against what users do today: `python -m benchmarks`."""
