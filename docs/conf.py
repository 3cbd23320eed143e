"""Settings of the documentation (Sphinx)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import linewatch

project = "linewatch"
author = "The linewatch developers"
copyright = "2026, The linewatch developers"
release = linewatch.__version__

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "site_pages"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]

html_theme = "pydata_sphinx_theme"
html_title = "linewatch"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}

# Notebooks are read with the outputs they keep.
nb_execution_mode = "off"
numpydoc_show_class_members = False
# The reference is written by module; nothing is generated beside it.
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
