"""The search by significance: flares as what stands out of the quiet star's own noise."""
