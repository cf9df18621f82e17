"""The commands: they take flags and files, write files, and report errors in one line on standard error."""
