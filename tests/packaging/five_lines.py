import sys

import cvzmpi

found = cvzmpi.search(sys.argv[1])
print(found.flares["peak_time", "amplitude", "equivalent_duration"])
found.plot().savefig("flares.png")
