"""Figures: an artefact goes in, a static SVG with a text alternative comes out."""
