"""One module for each rule of the workflow: files in, files out."""
