"""One module for each revision; they only ever add, so that a rolling upgrade loses nothing."""
