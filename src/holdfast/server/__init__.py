"""The server's process: the API, the gateway to vaults, durable workflows."""
