"""An AWS that fits on a laptop: MiniStack behind a layer that mends what is unlike AWS."""
