"""How far the platform is from the planted truth: one module per question, frozen results.

Here belongs what compares tables of the warehouse with tables of the truth. Opening the warehouse, finding the truth and showing
the results does not: a connection, a folder and a date are handed in.
"""
