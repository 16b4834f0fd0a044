"""Pages for people: the dashboard. This package must not know how anything is done: it reads by the store, and writes nothing."""
