"""How `gunicorn` runs in this folder; the command line overrides."""

wsgi_app = "config.wsgi"
bind = "127.0.0.1:8000"
# Many threads: a paused video keeps one waiting.
workers = 1
threads = 32
# Shared memory instead of the disk: a stalled disk must not make a healthy worker look dead.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# No socket for remote control in the home folder.
control_socket_disable = True
