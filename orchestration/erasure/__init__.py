"""Erasure of a person: who it is, every place that the lineage reaches, and proof that nothing is left.

Matching is by salted hash everywhere, so that a killed erasure goes on, and a file that lands again is refused, by the same
tombstones. What may be kept of a person, and why, is in docs/decisions/0012.
"""
