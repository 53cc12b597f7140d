"""One module a rule: files in, files out."""
