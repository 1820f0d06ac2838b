resource "google_sql_database_instance" "database" {
  count               = var.original == null ? 1 : 0
  name                = "compas"
  database_version    = "POSTGRES_17"
  deletion_protection = true

  settings {
    tier                        = var.database_tier
    edition                     = "ENTERPRISE"
    availability_type           = "REGIONAL"
    disk_autoresize             = true
    deletion_protection_enabled = true

    # No network is let in: Cloud Run comes through its socket, people through the proxy, both with IAM and TLS.
    ip_configuration {
      ipv4_enabled = true
      ssl_mode     = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }

    # What the service counts at its start (WEB_INSTANCES, WORKER_INSTANCES, OTHER_CONNECTIONS) must fit.
    database_flags {
      name  = "max_connections"
      value = "500"
    }

    insights_config {
      query_insights_enabled = true
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_sql_database" "compas" {
  count    = var.original == null ? 1 : 0
  name     = "compas"
  instance = google_sql_database_instance.database[0].name
}
