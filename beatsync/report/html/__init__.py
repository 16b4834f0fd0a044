"""Values → HTML: the pages of the dashboard, and the same pages as one static file. Pure functions; `markup` escapes everything."""
