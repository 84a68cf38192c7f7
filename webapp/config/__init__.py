"""Settings, addresses and the ASGI entry point."""
