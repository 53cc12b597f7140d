"""The sky as seen from a site: Sun, Moon, visibility, constellations."""
