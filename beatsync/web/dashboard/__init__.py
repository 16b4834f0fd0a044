"""The dashboard: path → page value → HTML, for staff in the Django admin, for the daemon's listener, and as one static file."""
