"""The night on one machine: both systems, a worker, DNS, people, and the commands that a team would type."""
