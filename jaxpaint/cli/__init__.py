"""The commands: flags and files in, files out; whatever is wrong is one line on standard error."""
