"""The campaign `cvz`: flare rates of stars in the TESS continuous viewing zone."""
