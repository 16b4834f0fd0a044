"""What people see in a browser: BeatSync in the Django admin, and the dashboard. This package must not know SQL or YAML."""
