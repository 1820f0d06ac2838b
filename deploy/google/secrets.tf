# Their values are added by hand, so that no file of the state ever holds one:
#   gcloud secrets versions add compas-secret-key --data-file=-
resource "google_secret_manager_secret" "settings" {
  for_each  = toset(local.secrets)
  secret_id = "compas-${lower(replace(each.value, "_", "-"))}"

  replication {
    auto {}
  }

  depends_on = [google_project_service.used]
}

locals {
  readers = { for pair in setproduct(local.secrets, keys(google_service_account.runs)) : join("/", pair) => pair }
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each  = local.readers
  secret_id = google_secret_manager_secret.settings[each.value[0]].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runs[each.value[1]].member
}
