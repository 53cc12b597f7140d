"""One sky map to numbers: position, credible areas and volumes, distance, regions."""
