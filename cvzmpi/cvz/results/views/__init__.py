"""What `import cvzmpi` gives: sector files and campaigns as objects of astropy and pictures."""
