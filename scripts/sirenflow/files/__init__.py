"""Files on disk: durable writes, locks, file modes, mounted file systems."""
