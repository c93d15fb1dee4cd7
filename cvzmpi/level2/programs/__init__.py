"""Observing programs: found in the metadata store, judged, kept in the catalogue."""
