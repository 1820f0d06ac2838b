"""What an agent that may act learns on top: standard library and Django only, Python 3.8 or newer, like the agent.

A chapter is sent as text, never imported here. It defines ``ANSWERS``, a dictionary from the name of a request to
the function that answers it. It may define ``SHARES``, the names that the chapters after it find under the same names.
"""
