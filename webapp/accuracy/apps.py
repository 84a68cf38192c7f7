from django.apps import AppConfig


class AccuracyConfig(AppConfig):
    name = "webapp.accuracy"
    label = "accuracy"
