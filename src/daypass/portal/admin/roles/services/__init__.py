"""The limits of tenants' roles to some AWS services, and the results of writing them."""
