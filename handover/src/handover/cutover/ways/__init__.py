"""Ways to move people from one system to the other: the DNS record, a load balancer by steps, a hook of the team."""
