variable "user_name" {
  description = "The name of the portal's IAM user."
  type        = string
  default     = "daypass-portal"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.user_name))
    error_message = "The name of a user has 1 to 64 letters, digits and any of _+=,.@-."
  }
}

variable "role_prefix" {
  description = "What comes before a tenant's name in the names of its role and its resources. The portal must have the same in DAYPASS_ROLE_PREFIX."
  type        = string
  default     = "duploservices-"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.role_prefix))
    error_message = "The prefix has 1 to 64 letters, digits and any of _+=,.@-."
  }
}

variable "master_role_name" {
  description = "The name of the role of admin sessions. The portal must have the same in DAYPASS_MASTER_ROLE."
  type        = string
  default     = "duplomaster"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.master_role_name))
    error_message = "The name of a role has 1 to 64 letters, digits and any of _+=,.@-."
  }
}
