"""What the team has agreed on: findings that are accepted, each with a reason."""
