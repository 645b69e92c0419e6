"""Showing: the static report site.

Belongs here: what a page says and how it looks. Does not: any computation of a figure that someone acts on (that is
`ml.measurement` and dbt), a clock, a network. Figures come in as `data.SiteData`, one HTML file goes out.
"""
