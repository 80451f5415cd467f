"""Instances, volumes, file systems, load balancers, APIs, certificates and keys, most of them by tag."""

from tests.matrix.kinds.model import Client, Kind, Place


def _run_instance(ec2: Client, at: Place) -> str:
    instance: str = ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        MinCount=1,
        MaxCount=1,
        # Without one, AWS takes the default group of the network, which is not the tenant's.
        SecurityGroupIds=[_create_security_group(ec2, at)],
        TagSpecifications=at.specified("instance", "volume", "network-interface"),
    )["Instances"][0]["InstanceId"]
    return instance


def _create_volume(ec2: Client, at: Place) -> str:
    volume: str = ec2.create_volume(
        AvailabilityZone="us-east-1a", Size=1, TagSpecifications=at.specified("volume")
    )["VolumeId"]
    return volume


def _create_security_group(ec2: Client, at: Place) -> str:
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group: str = ec2.create_security_group(
        GroupName=at.name, Description="x", VpcId=vpc, TagSpecifications=at.specified("security-group")
    )["GroupId"]
    return group


def _create_key(kms: Client, at: Place) -> str:
    arn: str = kms.create_key(Tags=at.tags("TagKey", "TagValue"))["KeyMetadata"]["Arn"]
    return arn


def _tag_ec2(ec2: Client, it: str, key: str, value: str) -> object:
    return ec2.create_tags(Resources=[it], Tags=[{"Key": key, "Value": value}])


NETWORK = (
    Kind(
        "EC2 instance",
        "ec2",
        create=_run_instance,
        use=lambda c, it: c.stop_instances(InstanceIds=[it]),
        tag=_tag_ec2,
        start=lambda c, it: c.start_instances(InstanceIds=[it]),
        is_found_by_tag=True,
    ),
    Kind(
        "EBS volume",
        "ec2",
        create=_create_volume,
        use=lambda c, it: c.delete_volume(VolumeId=it),
        tag=_tag_ec2,
        is_found_by_tag=True,
    ),
    Kind(
        "security group",
        "ec2",
        create=_create_security_group,
        use=lambda c, it: c.authorize_security_group_ingress(
            GroupId=it, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="192.0.2.0/24"
        ),
        tag=_tag_ec2,
        is_found_by_tag=True,
    ),
    Kind(
        "EFS file system",
        "efs",
        create=lambda c, at: c.create_file_system(CreationToken=at.name, Tags=at.tags())["FileSystemId"],
        use=lambda c, it: c.describe_lifecycle_configuration(FileSystemId=it),
        tag=lambda c, it, key, value: c.tag_resource(ResourceId=it, Tags=[{"Key": key, "Value": value}]),
        is_found_by_tag=True,
    ),
    Kind(
        "load balancer",
        "elbv2",
        create=lambda c, at: c.create_load_balancer(Name=at.name, Tags=at.tags())["LoadBalancers"][0][
            "LoadBalancerArn"
        ],
        use=lambda c, it: c.delete_load_balancer(LoadBalancerArn=it),
        tag=lambda c, it, key, value: c.add_tags(ResourceArns=[it], Tags=[{"Key": key, "Value": value}]),
        is_found_by_tag=True,
    ),
    Kind(
        "target group",
        "elbv2",
        create=lambda c, at: c.create_target_group(Name=at.name, Tags=at.tags())["TargetGroups"][0][
            "TargetGroupArn"
        ],
        use=lambda c, it: c.modify_target_group(TargetGroupArn=it, HealthCheckPath="/"),
        tag=lambda c, it, key, value: c.add_tags(ResourceArns=[it], Tags=[{"Key": key, "Value": value}]),
    ),
    Kind(
        "REST API",
        "apigateway",
        create=lambda c, at: c.create_rest_api(name=at.name, tags=at.tag_map)["id"],
        use=lambda c, it: c.get_resources(restApiId=it),
        tag=lambda c, it, key, value: c.tag_resource(
            resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{it}", tags={key: value}
        ),
        is_made_by_tenant=False,
        is_found_by_tag=True,
        is_tagged_by_tenant=False,
    ),
    Kind(
        "ACM certificate",
        "acm",
        create=lambda c, at: c.request_certificate(DomainName=f"{at.suffix}.example.com", Tags=at.tags())[
            "CertificateArn"
        ],
        use=lambda c, it: c.describe_certificate(CertificateArn=it),
        tag=lambda c, it, key, value: c.add_tags_to_certificate(
            CertificateArn=it, Tags=[{"Key": key, "Value": value}]
        ),
        is_found_by_tag=True,
    ),
    Kind(
        "KMS key",
        "kms",
        create=_create_key,
        use=lambda c, it: c.encrypt(KeyId=it, Plaintext=b"note"),
        tag=lambda c, it, key, value: c.tag_resource(KeyId=it, Tags=[{"TagKey": key, "TagValue": value}]),
        is_made_by_tenant=False,
        is_found_by_tag=True,
    ),
)
