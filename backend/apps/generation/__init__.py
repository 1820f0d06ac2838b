"""Makes a video from a task: queue, worker, lease, sweep of what a killed worker left."""
