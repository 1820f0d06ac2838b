variable "project" {
  type        = string
  description = "The project's id."
}

variable "region" {
  type    = string
  default = "europe-west1"
}

variable "host" {
  type        = string
  description = "The name that people type, like compas.example."
}

variable "image" {
  type        = string
  description = "The image that deploy/Dockerfile makes, with its digest: REGION-docker.pkg.dev/PROJECT/compas/compas@sha256:…"
}

variable "original" {
  type = object({
    database = string
    bucket   = string
    zone     = string
    address  = string
  })
  default     = null
  description = "Beside an original: the connection name of its Cloud SQL instance, its bucket, the zone in Cloud DNS, and the address that the host leads to today. Without one, all of them are made."
}

variable "tls" {
  type        = string
  default     = "shared"
  description = "The setting TLS: shared, and own after the original's retirement."

  validation {
    condition     = contains(["shared", "own"], var.tls)
    error_message = "tls must be shared or own."
  }
}

variable "videos_at_once" {
  type        = number
  default     = 20
  description = "So many executions of the job at once."
}

variable "servers_at_most" {
  type        = number
  default     = 4
  description = "Instances of the service. Each holds up to 49 connections to the database, and each video at once 13."
}

variable "database_tier" {
  type    = string
  default = "db-custom-2-7680"
}

variable "billing_account" {
  type        = string
  description = "The account that the budget watches, like 012345-6789AB-CDEF01."
}

variable "budget" {
  type        = number
  default     = 200
  description = "A month, in the currency of the billing account. Letters go out at half, at nine tenths, and when it will be passed."
}

variable "mail" {
  type        = string
  description = "Who gets letters about alerts."
}
