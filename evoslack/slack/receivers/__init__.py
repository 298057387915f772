"""How Slack's requests reach the app: signed HTTP requests, or Socket Mode."""
