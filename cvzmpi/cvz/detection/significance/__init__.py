"""The search for flares by their significance over the Gaussian process of the quiet star."""
