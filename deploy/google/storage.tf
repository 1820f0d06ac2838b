resource "google_storage_bucket" "media" {
  count                       = var.original == null ? 1 : 0
  name                        = "${var.project}-compas"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # What was removed by mistake can be brought back for so long.
  soft_delete_policy {
    retention_duration_seconds = 604800
  }
}

# The moves and their index; filled once, and read by the service and the job.
resource "google_storage_bucket" "moves" {
  name                        = "${var.project}-compas-moves"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

resource "google_storage_bucket_iam_member" "media" {
  for_each = google_service_account.runs
  bucket   = local.bucket
  role     = "roles/storage.objectUser"
  member   = each.value.member
}

resource "google_storage_bucket_iam_member" "moves" {
  for_each = google_service_account.runs
  bucket   = google_storage_bucket.moves.name
  role     = "roles/storage.objectViewer"
  member   = each.value.member
}
