output "user_name" {
  description = "The portal's IAM user, for which you create an access key."
  value       = aws_iam_user.daypass_portal.name
}

output "user_arn" {
  description = "The ARN of the portal's IAM user."
  value       = aws_iam_user.daypass_portal.arn
}

output "master_role_arn" {
  description = "The ARN of the role of admin sessions."
  value       = aws_iam_role.daypass_master.arn
}

output "boundary_arn" {
  description = "The ARN of the permissions boundary of tenants' roles with an inline policy."
  value       = aws_iam_policy.daypass_boundary.arn
}

output "environment" {
  description = "The configuration of the portal that belongs to these resources."
  value = {
    DAYPASS_ROLE_PREFIX = var.role_prefix
    DAYPASS_MASTER_ROLE = var.master_role_name
  }
}
