"""All alerts of one superevent: their state, what changed, and texts on them."""
