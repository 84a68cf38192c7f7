"""The first boxes of a list by its index, and their cameras: without it all of a fleet are sorted for twelve of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fleets", "0005_camera_sampling")]

    operations = [migrations.AddIndex("box", models.Index(fields=["name"], name="fleets_box_name_ab0bb6_idx"))]
