"""Tools of the house: catalogues, generated pages, changelog fragments. Not part of the package."""
