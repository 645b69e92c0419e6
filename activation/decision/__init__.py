"""The waterfall of a day: who is due what, who may not have it, in which arm, with which blocks; and why."""
