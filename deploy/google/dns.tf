resource "google_dns_managed_zone" "zone" {
  count      = var.original == null ? 1 : 0
  name       = "compas"
  dns_name   = "${var.host}."
  depends_on = [google_project_service.used]

  dnssec_config {
    state = "on"
  }
}

# Proves the name to the certificate's issuer, whatever the host leads to.
resource "google_dns_record_set" "proof" {
  managed_zone = local.zone
  name         = google_certificate_manager_dns_authorization.host.dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.host.dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.host.dns_resource_record[0].data]
}

# Only in a new project. Beside an original `handover cutover` alone changes this record, and `handover rollback` changes it back.
resource "google_dns_record_set" "host" {
  count        = var.original == null ? 1 : 0
  managed_zone = local.zone
  name         = "${var.host}."
  type         = "A"
  ttl          = 30
  rrdatas      = [google_compute_global_address.front.address]
}
