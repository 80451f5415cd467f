"""The kinds of EC2, VPC and Elastic Load Balancing with a known console page; see `kinds`."""

_EC2_PAGES = {
    "capacity-reservation": "CapacityReservationDetails:crId",
    "elastic-ip": "ElasticIpDetails:AllocationId",
    "image": "ImageDetails:imageId",
    "instance": "InstanceDetails:instanceId",
    "launch-template": "LaunchTemplateDetails:launchTemplateId",
    "network-interface": "NetworkInterface:networkInterfaceId",
    "security-group": "SecurityGroup:groupId",
    "snapshot": "SnapshotDetails:snapshotId",
    "volume": "VolumeDetails:volumeId",
}
_VPC_PAGES = {
    "customer-gateway": "CustomerGatewayDetails:customerGatewayId",
    "internet-gateway": "InternetGateway:internetGatewayId",
    "natgateway": "NatGatewayDetails:natGatewayId",
    "network-acl": "NetworkAclDetails:networkAclId",
    "route-table": "RouteTableDetails:RouteTableId",
    "subnet": "SubnetDetails:subnetId",
    "transit-gateway": "TransitGatewayDetails:transitGatewayId",
    "transit-gateway-attachment": "TransitGatewayAttachmentDetails:transitGatewayAttachmentId",
    "vpc": "VpcDetails:VpcId",
    "vpc-endpoint": "EndpointDetails:vpcEndpointId",
    "vpc-peering-connection": "PeeringConnectionDetails:VpcPeeringConnectionId",
    "vpn-connection": "VpnConnectionDetails:VpnConnectionId",
    "vpn-gateway": "VpnGatewayDetails:vpnGatewayId",
}

EC2: tuple[tuple[str, str], ...] = tuple(
    (f"{kind}/(?P<id>[^/]+)", f"/{console}/home?region={{region}}#{page}={{id}}")
    for console, pages in (("ec2", _EC2_PAGES), ("vpcconsole", _VPC_PAGES))
    for kind, page in pages.items()
)

LOAD_BALANCING: tuple[tuple[str, str], ...] = (
    ("loadbalancer/(?:app|net|gwy)/.+", "/ec2/home?region={region}#LoadBalancer:loadBalancerArn={arn}"),
    # A listener and its rules are shown on the page of their load balancer.
    (
        "listener(?:-rule)?/(?P<type>app|net|gwy)/(?P<name>[^/]+)/(?P<id>[^/]+)/.+",
        "/ec2/home?region={region}#LoadBalancer:loadBalancerArn="
        "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{type}/{name}/{id}",
    ),
    ("loadbalancer/(?P<id>[^/]+)", "/ec2/home?region={region}#LoadBalancers:search={id}"),
    ("targetgroup/.+", "/ec2/home?region={region}#TargetGroup:targetGroupArn={arn}"),
)
