"""Pages and exports are sent compressed. Pictures and tensors are compressed already, and what has an ETag is named by
its bytes, so that they go as they are. Static files are compressed once, when they are collected.

Django pads the answer with random length, against guessing secrets from its size (BREACH).
"""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_TEXT = ("text/", "application/json")


class TextCompression(GZipMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_text = response.headers.get("Content-Type", "").startswith(_TEXT)
        return super().process_response(request, response) if is_text and not response.has_header("ETag") else response
