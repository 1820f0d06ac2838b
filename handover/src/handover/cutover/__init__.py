"""The night of the switch: gates, plan, cut-over, verification, rollback, clean-up."""
