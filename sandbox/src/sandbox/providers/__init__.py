"""The HTTP interfaces of DNS providers on this machine: Cloudflare, Route 53 and Google Cloud DNS.

Each keeps a zone, checks what it is sent, and refuses in the provider's own words. Nothing of the real ones is called.
Their errors and limits are those that were seen in public; the page of each module names what it leaves out.
"""
