# The load balancer and its certificate are there before the switch: a record of its own proves the name, so the host itself
# may lead to the original until then. `handover gates` looks at the certificate by the address of the output `address`.
resource "google_compute_global_address" "front" {
  name       = "compas"
  depends_on = [google_project_service.used]
}

resource "google_compute_region_network_endpoint_group" "web" {
  name                  = "compas"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.web.name
  }
}

resource "google_compute_backend_service" "web" {
  name                  = "compas"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"

  backend {
    group = google_compute_region_network_endpoint_group.web.id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "https" {
  name            = "compas"
  default_service = google_compute_backend_service.web.id
}

resource "google_compute_url_map" "redirect" {
  name = "compas-redirect"

  default_url_redirect {
    https_redirect = true
    strip_query    = false
  }
}

resource "google_compute_ssl_policy" "modern" {
  name            = "compas"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "https" {
  name            = "compas"
  url_map         = google_compute_url_map.https.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.host.id}"
  ssl_policy      = google_compute_ssl_policy.modern.id
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "compas-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "compas"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front.address
  port_range            = "443"
  target                = google_compute_target_https_proxy.https.id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  name                  = "compas-redirect"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front.address
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}

resource "google_certificate_manager_dns_authorization" "host" {
  name       = "compas"
  domain     = var.host
  depends_on = [google_project_service.used]
}

resource "google_certificate_manager_certificate" "host" {
  name = "compas"

  managed {
    domains            = [var.host]
    dns_authorizations = [google_certificate_manager_dns_authorization.host.id]
  }
}

resource "google_certificate_manager_certificate_map" "host" {
  name       = "compas"
  depends_on = [google_project_service.used]
}

resource "google_certificate_manager_certificate_map_entry" "host" {
  name         = "compas"
  map          = google_certificate_manager_certificate_map.host.name
  certificates = [google_certificate_manager_certificate.host.id]
  hostname     = var.host
}
