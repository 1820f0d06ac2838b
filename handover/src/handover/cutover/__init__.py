"""The switch and what surrounds it: gates, plan, cut-over, verification, rollback, clean-up."""
