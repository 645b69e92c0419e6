"""What each command of `holdfast` does beyond a run of the graph; `orchestration.cli` reads the call and prints the answer."""
