"""What an evolution is measured with: a large pair of tables, clients of both shapes, and an eye on the locks."""
