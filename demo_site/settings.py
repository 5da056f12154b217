"""Settings of the demo site.

Read from the environment:

===================== ===========================================================================
DATABASE_URL          Postgres with pgvector; ``manage.py demo`` starts one if it is not set
CELERY_BROKER_URL     Redis or Valkey; the same
DEMO_DATA             folder for pictures, thumbnails, servers' data and logs; ``var`` beside here
DJANGO_SECRET_KEY     made once and kept in ``DEMO_DATA`` if it is not set
DJANGO_ALLOWED_HOSTS  host names, separated by commas, besides this machine's own
DJANGO_DEBUG          1 shows errors with their code in the browser
DJANGO_HTTPS          1 where the site stands behind a proxy that speaks HTTPS
===================== ===========================================================================
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

from demo_site import data_folder
from demo_site.secret_key import read_or_make_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_DATA = data_folder.place()

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or read_or_make_secret_key(
    DEMO_DATA / "secret_key"
)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] + [
    host.strip() for host in os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",") if host.strip()
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "artsimilarity",
    "artsimilarity.lab",
    "demo_site.library",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "demo_site.middleware.CompressText",
    "demo_site.middleware.RefuseMalformed",
    "demo_site.middleware.FetchBeforehand",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "demo_site.middleware.ChooseLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "demo_site.urls"
WSGI_APPLICATION = "demo_site.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "demo_site" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "demo_site.library.light_table.light_table",
            ],
        },
    },
]

# Without DATABASE_URL this names a local server, so that commands that need none still start.
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or "postgresql:///artsimilarity",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("nl", "Nederlands"),
]
LOCALE_PATHS = [BASE_DIR / "demo_site" / "locale"]
LANGUAGE_COOKIE_AGE = 180 * 24 * 60 * 60  # seconds
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True

MEDIA_ROOT = str(DEMO_DATA / "media")
MEDIA_URL = "media/"
STATIC_ROOT = str(DEMO_DATA / "static")
STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "demo_site.static_files.HashedStaticFiles"},
}
for _folder in (MEDIA_ROOT, STATIC_ROOT):  # WhiteNoise warns where it finds no folder
    Path(_folder).mkdir(parents=True, exist_ok=True)

# Uploads above this size, in bytes, are refused by the form.
LIBRARY_MAX_UPLOAD = 40 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 24,
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # Proxies whose X-Forwarded-For counts: behind HTTPS there is one.
    "NUM_PROXIES": 1 if os.environ.get("DJANGO_HTTPS") == "1" else 0,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "The Print Room",
    "DESCRIPTION": "A picture library with “more like this”.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# A short task can be waited for when the worker is asked to stop.
ARTSIMILARITY: dict[str, Any] = {
    "CHUNK_SIZE": 8,
    "THUMBNAILS": "demo_site.library.pictures.Thumbnails",
}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "redis://127.0.0.1:6379/0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A broker that is down must cost an upload seconds, not minutes.
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5}
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

LOGIN_URL = "admin:login"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
if os.environ.get("DJANGO_HTTPS") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "artsimilarity": {"level": "INFO"},
        "demo_site": {"level": "INFO"},
        # Django's own handler prints only where DEBUG is on.
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
