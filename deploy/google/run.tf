# The service, the job, and one worker that always runs: with JOBS=cloud-run it makes no videos, it sweeps and sends webhooks.
resource "google_cloud_run_v2_service" "web" {
  name                = "compas"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  deletion_protection = true

  template {
    service_account                  = google_service_account.runs["web"].email
    timeout                          = "300s"
    max_instance_request_concurrency = 200
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = 1
      max_instance_count = var.servers_at_most
    }

    containers {
      image = var.image
      args  = ["gunicorn", "--bind", "0.0.0.0:8000"]

      ports {
        container_port = 8000
      }

      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = false
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 3
        failure_threshold = 40
        http_get {
          path = "/health"
          http_headers {
            name  = "Host"
            value = var.host
          }
        }
      }

      # Only whether the process answers: a new one would find the same database.
      liveness_probe {
        period_seconds  = 10
        timeout_seconds = 5
        http_get {
          path = "/api/health"
          http_headers {
            name  = "Host"
            value = var.host
          }
        }
      }

      dynamic "env" {
        for_each = local.settings
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secrets
        content {
          name = env.value
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.settings[env.value].secret_id
              version = "latest"
            }
          }
        }
      }

      volume_mounts {
        name       = "cloudsql"
        mount_path = "/cloudsql"
      }

      volume_mounts {
        name       = "moves"
        mount_path = "/srv/compas/moves"
      }
    }

    volumes {
      name = "cloudsql"
      cloud_sql_instance {
        instances = [local.database]
      }
    }

    volumes {
      name = "moves"
      gcs {
        bucket    = google_storage_bucket.moves.name
        read_only = true
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.reads]
}

# Only the load balancer reaches it (ingress), and that asks without an account.
resource "google_cloud_run_v2_service_iam_member" "balancer" {
  name     = google_cloud_run_v2_service.web.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# The arguments come with each execution: generate TASK.
resource "google_cloud_run_v2_job" "generate" {
  name                = "generate"
  location            = var.region
  deletion_protection = true

  template {
    template {
      service_account       = google_service_account.runs["generate"].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      max_retries           = 1
      # Above JOB_TIME_LIMIT_S, so that the backend decides first.
      timeout = "960s"

      containers {
        image   = var.image
        command = ["python", "manage.py"]

        resources {
          limits = { cpu = "2", memory = "2Gi" }
        }

        dynamic "env" {
          for_each = local.settings
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.secrets
          content {
            name = env.value
            value_source {
              secret_key_ref {
                secret  = google_secret_manager_secret.settings[env.value].secret_id
                version = "latest"
              }
            }
          }
        }

        volume_mounts {
          name       = "cloudsql"
          mount_path = "/cloudsql"
        }

        volume_mounts {
          name       = "moves"
          mount_path = "/srv/compas/moves"
        }
      }

      volumes {
        name = "cloudsql"
        cloud_sql_instance {
          instances = [local.database]
        }
      }

      volumes {
        name = "moves"
        gcs {
          bucket    = google_storage_bucket.moves.name
          read_only = true
        }
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.reads]
}

resource "google_cloud_run_v2_worker_pool" "sweep" {
  name                = "sweep"
  location            = var.region
  deletion_protection = true

  scaling {
    manual_instance_count = 1
  }

  template {
    service_account = google_service_account.runs["sweep"].email

    containers {
      image = var.image
      args  = ["python", "manage.py", "procrastinate", "worker"]

      resources {
        limits = { cpu = "1", memory = "512Mi" }
      }

      dynamic "env" {
        for_each = local.settings
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secrets
        content {
          name = env.value
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.settings[env.value].secret_id
              version = "latest"
            }
          }
        }
      }

      volume_mounts {
        name       = "cloudsql"
        mount_path = "/cloudsql"
      }

      volume_mounts {
        name       = "moves"
        mount_path = "/srv/compas/moves"
      }
    }

    volumes {
      name = "cloudsql"
      cloud_sql_instance {
        instances = [local.database]
      }
    }

    volumes {
      name = "moves"
      gcs {
        bucket    = google_storage_bucket.moves.name
        read_only = true
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.reads]
}
