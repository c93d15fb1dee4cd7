"""From a list of targets to light curves in scratch: scan, qualify, download, verify."""
