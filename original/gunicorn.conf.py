"""How gunicorn serves the original."""

# One process: failed logins are counted in its memory, generations run in its threads.
workers = 1
threads = 8
# Every gunicorn of an account would listen on the same file in the home folder.
control_socket_disable = True
