"""A shop whose truth is known, in the exact file shapes of the real systems.

Here belongs what invents people and what they do, and what writes it as their systems would export it. What reads an
export does not: the platform sees only the landing zone, and the truth is written elsewhere, on request.
"""
