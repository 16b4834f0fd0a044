"""An app of a project that registers its own admin of tasks, as the documentation of each package says."""
