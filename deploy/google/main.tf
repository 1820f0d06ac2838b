# Compás on Google Cloud: a Cloud Run service, a job for the videos, Cloud SQL, a bucket, secrets, DNS and a load balancer.
# For a new project, or beside an original that runs: then `original` names its database, bucket and zone, and none is made.
# How to: docs/howto/deploy.md and docs/howto/take-over-a-running-original.md.
terraform {
  required_version = ">= 1.8"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.20, < 8"
    }
  }
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
}

resource "google_project_service" "used" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "certificatemanager.googleapis.com",
    "compute.googleapis.com",
    "dns.googleapis.com",
    "iamcredentials.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "sqladmin.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "compas"
  location      = var.region
  format        = "DOCKER"
  depends_on    = [google_project_service.used]
}

locals {
  database = var.original == null ? google_sql_database_instance.database[0].connection_name : var.original.database
  bucket   = var.original == null ? google_storage_bucket.media[0].name : var.original.bucket
  zone     = var.original == null ? google_dns_managed_zone.zone[0].name : var.original.zone
  job      = "projects/${var.project}/locations/${var.region}/jobs/generate"

  # What the service, the job and the sweeping worker share. Every name is a setting: docs/reference/settings.md.
  settings = {
    ALLOWED_HOSTS          = var.host
    TLS                    = var.tls
    # The load balancer adds two entries to X-Forwarded-For: the client's address and its own.
    TRUSTED_PROXIES        = "2"
    STORAGE                = "gcs"
    GS_BUCKET_NAME         = local.bucket
    GS_IAM_SIGN_BLOB       = "on"
    MOVES_LIBRARY          = "/srv/compas/moves/Bachata_steps"
    JOBS                   = "cloud-run"
    RUN_JOB                = local.job
    PARALLEL_RUNNING_LIMIT = tostring(var.videos_at_once)
    JOB_TIME_LIMIT_S       = "900"
    # The server counts by these, at its start, how many sessions of the database all may open.
    WEB_INSTANCES          = tostring(var.servers_at_most)
    WORKER_INSTANCES       = tostring(var.videos_at_once + 1)
    LOG_FORMAT             = "json"
  }
  secrets = ["SECRET_KEY", "DATABASE_URL", "EMAIL_URL"]
}
