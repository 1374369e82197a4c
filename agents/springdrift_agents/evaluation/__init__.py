"""What decisions cost: episodes on common worlds, statistics, tables and plots."""
