"""Live updates to browsers and boxes over Channels: group names and publishing after commit."""
