"""From staged files to facts and rows, and from those into the state: set-based, resumable, undoable."""
