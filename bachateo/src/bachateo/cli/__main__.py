from bachateo.cli import app

app()
