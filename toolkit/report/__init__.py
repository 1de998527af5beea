"""The governance report: claims (run to ``report.json``), render (``report.json`` to HTML).

Import from the modules: ``from toolkit.report.claims import claims``.
"""
