"""The report's sections: each module turns some artefacts into blocks."""
