"""IAM roles: reconciliation with the settings, findings of the doctor, and manual remedies."""
