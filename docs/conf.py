"""Settings of the documentation (Sphinx)."""

import linewatch

project = "linewatch"
author = "The linewatch developers"
copyright = "2026, The linewatch developers"
release = linewatch.__version__

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc"]
html_theme = "pydata_sphinx_theme"
html_title = "linewatch"
exclude_patterns = ["_build"]
# Notebooks are read with the outputs they keep.
nb_execution_mode = "off"
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
myst_heading_anchors = 3
