"""AWS's configuration files, read as the AWS tools read them, without an AWS library."""
