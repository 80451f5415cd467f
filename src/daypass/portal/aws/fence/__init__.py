"""The fence: the AWS services that a tenant may use, and the IAM policies generated from them."""
