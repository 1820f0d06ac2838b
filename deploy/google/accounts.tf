# Each part runs as an account of its own, and each account may do what its part does.
resource "google_service_account" "runs" {
  for_each     = { web = "the service", generate = "the job", sweep = "the worker that sweeps" }
  account_id   = "compas-${each.key}"
  display_name = "Compás: ${each.value}"
  depends_on   = [google_project_service.used]
}

resource "google_project_iam_member" "database" {
  for_each = google_service_account.runs
  project  = var.project
  role     = "roles/cloudsql.client"
  member   = each.value.member
}

# What starts, reads and cancels executions, and nothing else of Cloud Run.
resource "google_project_iam_custom_role" "executions" {
  role_id = "compasExecutions"
  title   = "Compás: executions of the job"
  permissions = [
    "run.executions.cancel",
    "run.executions.get",
    "run.executions.list",
    "run.jobs.get",
    "run.jobs.run",
    "run.jobs.runWithOverrides",
  ]
}

resource "google_cloud_run_v2_job_iam_member" "executions" {
  for_each = google_service_account.runs
  name     = google_cloud_run_v2_job.generate.name
  location = var.region
  role     = google_project_iam_custom_role.executions.id
  member   = each.value.member
}

# Signs links to videos as itself (GS_IAM_SIGN_BLOB).
resource "google_service_account_iam_member" "signs" {
  for_each           = google_service_account.runs
  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value.member
}
