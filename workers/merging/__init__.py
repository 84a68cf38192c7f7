"""Model merging: share identical layers between models and retrain them jointly. Pure PyTorch, no Django, no Celery."""
