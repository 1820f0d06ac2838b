output "address" {
  description = "Where the load balancer answers. Beside an original: the value for the record that handover changes."
  value       = google_compute_global_address.front.address
}

output "original_address" {
  description = "Where the host leads to before the switch, for the way back."
  value       = var.original == null ? null : var.original.address
}

output "database" {
  description = "The connection name, for DATABASE_URL: its socket is /cloudsql/ and this."
  value       = local.database
}

output "images" {
  description = "Where the image is pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "name_servers" {
  description = "The name servers to which the domain's registrar must lead, in a new project."
  value       = var.original == null ? google_dns_managed_zone.zone[0].name_servers : null
}
