"""What queries found: objects counted per minute and class, and events with a picture."""
