"""What each command does, beside its options; a step imports what it needs when it runs."""
