from choreographer.cli import app

app()
