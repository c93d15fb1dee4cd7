"""Changes of a product on purpose."""

import asdf


def the_asdf(product):
    (path,) = product.glob("*.asdf")
    return path


def first_fits(product):
    return min(product.glob("*.fits"))


def change_asdf(product, change):
    """Change the inversion in the ASDF file by a function."""
    path = the_asdf(product)
    with asdf.open(path, lazy_load=False, memmap=False) as file:
        inversion = file["inversion"]
        changed = change(inversion)
        asdf.AsdfFile({"inversion": inversion if changed is None else changed}).write_to(path)


def rename(collection, old, new):
    """Give a cube of a collection another name, in place."""
    cube = dict.pop(collection, old)
    dict.__setitem__(collection, new, cube)
    collection.aligned_axes[new] = collection.aligned_axes.pop(old)
