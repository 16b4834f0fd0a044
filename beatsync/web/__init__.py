"""What people see in a browser: BeatSync in the Django admin. This package must not know SQL or YAML."""
