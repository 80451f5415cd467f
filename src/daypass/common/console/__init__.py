"""Pages of the AWS console: ARNs, partitions, and the page that shows a service or a resource."""
