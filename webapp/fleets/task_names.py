"""Names of the tasks that this app and higher ones enqueue: the web application never imports the workers."""

LIGHT_QUEUE = "light"

PICTURES_FORGET = "results.forget_pictures"
