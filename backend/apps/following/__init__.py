"""Events of a task for those who follow it: a stream (Server-Sent Events) that holds no thread."""
