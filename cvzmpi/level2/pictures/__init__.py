"""Pictures of maps of the Sun, and of the Stokes profiles of their pixels."""
