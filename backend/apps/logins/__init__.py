"""Failed log-ins, counted in the database; devices that logged in before."""
