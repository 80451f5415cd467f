"""The table of console pages: an example ARN of each kind, in each partition."""

import re
from urllib.parse import unquote, urlsplit

import pytest

from daypass.common.console.arn import parse
from daypass.common.console.kinds import KINDS
from daypass.common.console.pages import NoConsole, Page, resource_page, service_page
from daypass.common.console.partitions import CONSOLE_PARTITIONS, ISOLATED

LB = "elasticloadbalancing:@:1:loadbalancer/app/web/50dc6c495c0c9188"
LOGS = "/cloudwatch/home?region=@#logsV2:log-groups/log-group/"
EC2 = "/ec2/home?region=@#"
VPC = "/vpcconsole/home?region=@#"

PAGES = {
    "acm:@:1:certificate/c-1": "/acm/home?region=@#/certificates/c-1",
    "apigateway:@::/restapis/a1": "/apigateway/main/apis/a1/resources?api=a1&region=@",
    "apigateway:@::/restapis/a1/stages/v1": "/apigateway/main/apis/a1/stages?api=a1&region=@",
    "apigateway:@::/apis/a1": "/apigateway/main/develop/routes?api=a1&region=@",
    "apigateway:@::/domainnames/x.org": "/apigateway/main/publish/domain-names?domain=x.org&region=@",
    "apprunner:@:1:service/web/8f": (
        "/apprunner/home?region=@#/services/dashboard?service_arn="
        "arn%3Aaws%3Aapprunner%3A@%3A1%3Aservice%2Fweb%2F8f"
    ),
    "appsync:@:1:apis/a1": "/appsync/home?region=@#/a1/v1/home",
    "athena:@:1:workgroup/w": "/athena/home?region=@#/workgroups/details/w",
    "autoscaling:@:1:autoScalingGroup:0-1:autoScalingGroupName/web a": (
        EC2 + "AutoScalingGroupDetails:id=web%20a;view=details"
    ),
    "backup:@:1:backup-vault:v": "/backup/home?region=@#/backupvaults/details/v",
    "backup:@:1:backup-plan:p-1": "/backup/home?region=@#/backupplan/details/p-1",
    "batch:@:1:compute-environment/c": (
        "/batch/home?region=@#compute-environments/detail/arn%3Aaws%3Abatch%3A@%3A1%3Acompute-environment%2Fc"
    ),
    "batch:@:1:job/j-1": "/batch/home?region=@#jobs/detail/j-1",
    "batch:@:1:job-definition/d:3": (
        "/batch/home?region=@#job-definition/detail/arn%3Aaws%3Abatch%3A@%3A1%3Ajob-definition%2Fd%3A3"
    ),
    "batch:@:1:job-queue/q": "/batch/home?region=@#queues/detail/arn%3Aaws%3Abatch%3A@%3A1%3Ajob-queue%2Fq",
    "cloudformation:@:1:stack/s/0-1": (
        "/cloudformation/home?region=@#/stacks/stackinfo?stackId="
        "arn%3Aaws%3Acloudformation%3A@%3A1%3Astack%2Fs%2F0-1"
    ),
    "cloudformation:@:1:stackset/s:0-1": "/cloudformation/home?region=@#/stacksets/s%3A0-1/info",
    "cloudfront::1:distribution/E1": "/cloudfront/v4/home?region=@#/distributions/E1",
    "cloudtrail:@:1:trail/t": "/cloudtrailv2/home?region=@#/trails/arn:aws:cloudtrail:@:1:trail/t",
    "cloudwatch:@:1:alarm:a b/c": "/cloudwatch/home?region=@#alarmsV2:alarm/a%20b%2Fc",
    "cloudwatch::1:dashboard/d": "/cloudwatch/home?region=@#dashboards/dashboard/d",
    "codeartifact:@:1:repository/d/r": "/codesuite/codeartifact/d/1/d/r/r?region=@",
    "codebuild:@:1:build/p:8f": "/codesuite/codebuild/1/projects/p/build/p%3A8f/log?region=@",
    "codebuild:@:1:project/p": "/codesuite/codebuild/1/projects/p?region=@",
    "codecommit:@:1:r": "/codesuite/codecommit/repositories/r/browse?region=@",
    "codedeploy:@:1:application:a": "/codesuite/codedeploy/applications/a?region=@",
    "codedeploy:@:1:deploymentgroup:a/g": (
        "/codesuite/codedeploy/applications/a/deployment-groups/g?region=@"
    ),
    "codepipeline:@:1:p": "/codesuite/codepipeline/pipelines/p/view?region=@",
    "cognito-identity:@:1:identitypool/@:0-1": (
        "/cognito/v2/identity/identity-pools/@%3A0-1/user-statistics?region=@"
    ),
    "cognito-idp:@:1:userpool/@_a1": "/cognito/v2/idp/user-pools/@_a1/info/overview?region=@",
    "dynamodb:@:1:table/t": "/dynamodbv2/home?region=@#table?name=t",
    "dynamodb:@:1:table/t/index/i": "/dynamodbv2/home?region=@#table?name=t",
    "ec2:@:1:capacity-reservation/cr-1": EC2 + "CapacityReservationDetails:crId=cr-1",
    "ec2:@:1:elastic-ip/eipalloc-1": EC2 + "ElasticIpDetails:AllocationId=eipalloc-1",
    "ec2:@::image/ami-1": EC2 + "ImageDetails:imageId=ami-1",
    "ec2:@:1:instance/i-1": EC2 + "InstanceDetails:instanceId=i-1",
    "ec2:@:1:launch-template/lt-1": EC2 + "LaunchTemplateDetails:launchTemplateId=lt-1",
    "ec2:@:1:network-interface/eni-1": EC2 + "NetworkInterface:networkInterfaceId=eni-1",
    "ec2:@:1:security-group/sg-1": EC2 + "SecurityGroup:groupId=sg-1",
    "ec2:@::snapshot/snap-1": EC2 + "SnapshotDetails:snapshotId=snap-1",
    "ec2:@:1:volume/vol-1": EC2 + "VolumeDetails:volumeId=vol-1",
    "ec2:@:1:customer-gateway/cgw-1": VPC + "CustomerGatewayDetails:customerGatewayId=cgw-1",
    "ec2:@:1:internet-gateway/igw-1": VPC + "InternetGateway:internetGatewayId=igw-1",
    "ec2:@:1:natgateway/nat-1": VPC + "NatGatewayDetails:natGatewayId=nat-1",
    "ec2:@:1:network-acl/acl-1": VPC + "NetworkAclDetails:networkAclId=acl-1",
    "ec2:@:1:route-table/rtb-1": VPC + "RouteTableDetails:RouteTableId=rtb-1",
    "ec2:@:1:subnet/subnet-1": VPC + "SubnetDetails:subnetId=subnet-1",
    "ec2:@:1:transit-gateway/tgw-1": VPC + "TransitGatewayDetails:transitGatewayId=tgw-1",
    "ec2:@:1:transit-gateway-attachment/tgw-attach-1": (
        VPC + "TransitGatewayAttachmentDetails:transitGatewayAttachmentId=tgw-attach-1"
    ),
    "ec2:@:1:vpc/vpc-1": VPC + "VpcDetails:VpcId=vpc-1",
    "ec2:@:1:vpc-endpoint/vpce-1": VPC + "EndpointDetails:vpcEndpointId=vpce-1",
    "ec2:@:1:vpc-peering-connection/pcx-1": VPC + "PeeringConnectionDetails:VpcPeeringConnectionId=pcx-1",
    "ec2:@:1:vpn-connection/vpn-1": VPC + "VpnConnectionDetails:VpnConnectionId=vpn-1",
    "ec2:@:1:vpn-gateway/vgw-1": VPC + "VpnGatewayDetails:vpnGatewayId=vgw-1",
    "ecr:@:1:repository/team/web": "/ecr/repositories/private/1/team%2Fweb?region=@",
    "ecs:@:1:cluster/c": "/ecs/v2/clusters/c/services?region=@",
    "ecs:@:1:container-instance/c/8f": ("/ecs/v2/clusters/c/infrastructure/container-instances/8f?region=@"),
    "ecs:@:1:service/c/s": "/ecs/v2/clusters/c/services/s/health?region=@",
    "ecs:@:1:task/c/8f": "/ecs/v2/clusters/c/tasks/8f/configuration?region=@",
    "ecs:@:1:task-definition/web:7": "/ecs/v2/task-definitions/web/7/containers?region=@",
    "ecs:@:1:task-definition/web": "/ecs/v2/task-definitions/web?region=@",
    "eks:@:1:cluster/c": "/eks/home?region=@#/clusters/c",
    "eks:@:1:nodegroup/c/n/8f": "/eks/home?region=@#/clusters/c/nodegroups/n",
    "eks:@:1:fargateprofile/c/f/8f": "/eks/home?region=@#/clusters/c/fargate-profiles/f",
    "eks:@:1:addon/c/a/8f": "/eks/home?region=@#/clusters/c/add-ons/a",
    "elasticache:@:1:replicationgroup:g": "/elasticache/home?region=@#/redis/g",
    "elasticfilesystem:@:1:file-system/fs-1": "/efs/home?region=@#/file-systems/fs-1",
    "elasticfilesystem:@:1:access-point/fsap-1": "/efs/home?region=@#/access-points/fsap-1",
    LB: EC2 + f"LoadBalancer:loadBalancerArn=arn:aws:{LB}",
    "elasticloadbalancing:@:1:listener/app/web/50dc6c495c0c9188/f2": (
        EC2 + f"LoadBalancer:loadBalancerArn=arn:aws:{LB}"
    ),
    "elasticloadbalancing:@:1:loadbalancer/old": EC2 + "LoadBalancers:search=old",
    "elasticloadbalancing:@:1:targetgroup/t/7": (
        EC2 + "TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:@:1:targetgroup/t/7"
    ),
    "elasticmapreduce:@:1:cluster/j-1": "/emr/home?region=@#/clusterDetails/j-1",
    "es:@:1:domain/d": "/aos/home?region=@#opensearch/domains/d",
    "events:@:1:event-bus/b": "/events/home?region=@#/eventbus/b",
    "events:@:1:rule/r": "/events/home?region=@#/eventbus/default/rules/r",
    "events:@:1:rule/b/r": "/events/home?region=@#/eventbus/b/rules/r",
    "firehose:@:1:deliverystream/d": "/firehose/home?region=@#/details/d/monitoring",
    "fsx:@:1:file-system/fs-1": "/fsx/home?region=@#file-system-details/fs-1",
    "glue:@:1:crawler/c": "/glue/home?region=@#/v2/data-catalog/crawlers/view/c",
    "glue:@:1:database/d": "/glue/home?region=@#/v2/data-catalog/databases/view/d",
    "glue:@:1:job/j": "/gluestudio/home?region=@#/editor/job/j/details",
    "glue:@:1:table/d/t": "/glue/home?region=@#/v2/data-catalog/tables/view/t?database=d",
    "iam::1:group/g": "/iam/home?region=@#/groups/details/g",
    "iam::1:oidc-provider/token.example.com": (
        "/iam/home?region=@#/identity_providers/details/OPENID/"
        "arn%3Aaws%3Aiam%3A%3A1%3Aoidc-provider%2Ftoken.example.com"
    ),
    "iam::aws:policy/ReadOnlyAccess": (
        "/iam/home?region=@#/policies/details/arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"
    ),
    "iam::1:role/aws-service-role/x.amazonaws.com/R": "/iam/home?region=@#/roles/details/R",
    "iam::1:saml-provider/p": (
        "/iam/home?region=@#/identity_providers/details/SAML/arn%3Aaws%3Aiam%3A%3A1%3Asaml-provider%2Fp"
    ),
    "iam::1:user/team/u": "/iam/home?region=@#/users/details/u",
    "kafka:@:1:cluster/c/0-1": (
        "/msk/home?region=@#/cluster/arn%3Aaws%3Akafka%3A@%3A1%3Acluster%2Fc%2F0-1/view"
    ),
    "kinesis:@:1:stream/s": "/kinesis/home?region=@#/streams/details/s/monitoring",
    "kinesis:@:1:stream/s/consumer/c:1": "/kinesis/home?region=@#/streams/details/s/monitoring",
    "kms:@:1:key/0-1": "/kms/home?region=@#/kms/keys/0-1",
    "lambda:@:1:event-source-mapping:0-1": "/lambda/home?region=@#/event-source-mappings/0-1",
    "lambda:@:1:function:f": "/lambda/home?region=@#/functions/f?tab=code",
    "lambda:@:1:function:f:12": "/lambda/home?region=@#/functions/f/versions/12?tab=code",
    "lambda:@:1:function:f:$LATEST": "/lambda/home?region=@#/functions/f/versions/%24LATEST?tab=code",
    "lambda:@:1:function:f:live": "/lambda/home?region=@#/functions/f/aliases/live?tab=code",
    "lambda:@:1:layer:l": "/lambda/home?region=@#/layers/l",
    "lambda:@:1:layer:l:3": "/lambda/home?region=@#/layers/l/versions/3",
    "logs:@:1:log-group:/aws/x": LOGS + "$252Faws$252Fx",
    "logs:@:1:log-group:/aws/x:*": LOGS + "$252Faws$252Fx",
    "logs:@:1:log-group:/aws/x:log-stream:2026/11/[$LATEST]8f": (
        LOGS + "$252Faws$252Fx/log-events/2026$252F11$252F$255B$2524LATEST$255D8f"
    ),
    "mq:@:1:broker:b:b-1": "/amazon-mq/home?region=@#/brokers/details?id=b-1",
    "rds:@:1:cluster:c": "/rds/home?region=@#database:id=c;is-cluster=true",
    "rds:@:1:cluster-snapshot:rds:c-1": "/rds/home?region=@#db-snapshot:id=rds%3Ac-1;is-cluster=true",
    "rds:@:1:db:d": "/rds/home?region=@#database:id=d",
    "rds:@:1:snapshot:rds:d-2026": "/rds/home?region=@#db-snapshot:id=rds%3Ad-2026",
    "rds:@:1:subgrp:g": "/rds/home?region=@#db-subnet-group:id=g",
    "redshift:@:1:cluster:c": "/redshiftv2/home?region=@#cluster-details?cluster=c",
    "resource-groups:@:1:group/g/8f": "/resource-groups/group/g?region=@",
    "route53:::healthcheck/0-1": "/route53/healthchecks/home?region=@#/details/0-1",
    "route53:::hostedzone/Z1": "/route53/v2/hostedzones?region=@#ListRecordSets/Z1",
    "s3:@:1:accesspoint/p": "/s3/ap/1/p?region=@",
    "s3:::my-bucket": "/s3/buckets/my-bucket?region=@&tab=objects",
    "s3:::my-bucket/a/b c.txt": "/s3/object/my-bucket?region=@&prefix=a%2Fb%20c.txt",
    "s3:::my-bucket/a/b/": "/s3/buckets/my-bucket?region=@&prefix=a%2Fb%2F&tab=objects",
    "sagemaker:@:1:endpoint/e": "/sagemaker/home?region=@#/endpoints/e",
    "sagemaker:@:1:model/m": "/sagemaker/home?region=@#/models/m",
    "sagemaker:@:1:notebook-instance/n": "/sagemaker/home?region=@#/notebook-instances/n",
    "sagemaker:@:1:training-job/j": "/sagemaker/home?region=@#/jobs/j",
    "scheduler:@:1:schedule/g/s": "/scheduler/home?region=@#schedules/g/s",
    "secretsmanager:@:1:secret:a/b-Ab12Cd": "/secretsmanager/secret?name=a%2Fb&region=@",
    "secretsmanager:@:1:secret:a/b": "/secretsmanager/secret?name=a%2Fb&region=@",
    "sns:@:1:t": "/sns/v3/home?region=@#/topic/arn:aws:sns:@:1:t",
    "sns:@:1:t:0-1": "/sns/v3/home?region=@#/subscription/arn:aws:sns:@:1:t:0-1",
    "sqs:@:1:q": "/sqs/v3/home?region=@#/queues/https%3A%2F%2Fsqs.@.amazonaws.com%2F1%2Fq",
    "ssm:@:1:document/d": "/systems-manager/documents/d/description?region=@",
    "ssm:@:1:parameter/p": "/systems-manager/parameters/p/description?region=@&tab=Table",
    "ssm:@:1:parameter/a/p": "/systems-manager/parameters/%252Fa%252Fp/description?region=@&tab=Table",
    "states:@:1:execution:m:8f": (
        "/states/home?region=@#/v2/executions/details/arn:aws:states:@:1:execution:m:8f"
    ),
    "states:@:1:stateMachine:m": (
        "/states/home?region=@#/statemachines/view/arn:aws:states:@:1:stateMachine:m"
    ),
    "sts::1:assumed-role/r/dana": "/iam/home?region=@#/roles/details/r",
    "synthetics:@:1:canary:c": "/cloudwatch/home?region=@#synthetics:canary/detail/c",
    "transfer:@:1:server/s-1": "/transfer/home?region=@#/servers/s-1",
    "wafv2:@:1:regional/webacl/w/8f": "/wafv2/homev2/web-acl/w/8f/overview?region=@",
    "wafv2:us-east-1:1:global/webacl/w/8f": "/wafv2/homev2/web-acl/w/8f/overview?region=global",
}
"""ARNs without `arn:aws:`, with @ for the region, and their pages."""

REGION = "eu-west-1"


def page_of(arn: str, region: str = REGION) -> Page:
    parsed = parse(arn)
    assert parsed is not None
    return resource_page(parsed, region)


def in_region(text: str) -> str:
    return text.replace("@", REGION)


@pytest.mark.parametrize("arn", PAGES)
def test_an_arn_opens_the_page_of_its_resource(arn: str) -> None:
    assert page_of(f"arn:aws:{in_region(arn)}") == Page(in_region(PAGES[arn]), is_exact=True)


def test_every_kind_in_the_table_has_an_example() -> None:
    without = {(service, pattern) for service, kinds in KINDS.items() for pattern, _ in kinds}
    for arn in PAGES:
        parsed = parse(f"arn:aws:{in_region(arn)}")
        assert parsed is not None
        for pattern, _ in KINDS[parsed.service]:
            if re.fullmatch(pattern, parsed.resource):
                without.discard((parsed.service, pattern))
                break

    assert without == set()
    assert sum(map(len, KINDS.values())) >= 60


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws-cn", "cn-north-1", "sqs.cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "sqs.us-gov-west-1.amazonaws.com"),
        ("aws-eusc", "eusc-de-east-1", "sqs.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_a_queue_is_addressed_by_the_url_of_its_own_partition(partition: str, region: str, host: str) -> None:
    path = page_of(f"arn:{partition}:sqs:{region}:123456789012:jobs").path

    assert unquote(urlsplit(path).fragment) == f"/queues/https://{host}/123456789012/jobs"


@pytest.mark.parametrize("partition", [*ISOLATED, "aws-moon"])
def test_a_partition_without_a_reachable_console_is_refused_by_name(partition: str) -> None:
    with pytest.raises(NoConsole, match=partition):
        page_of(f"arn:{partition}:s3:::b")


@pytest.mark.parametrize(
    ("arn", "path"),
    [
        ("arn:aws:iotsitewise:eu-west-1:1:asset/x", "/iotsitewise/home?region=eu-west-1"),
        ("arn:aws:ec2:eu-west-1:1:dhcp-options/dopt-1", "/ec2/home?region=eu-west-1#Instances:"),
        ("arn:aws:ecs:eu-west-1:1:service/without-cluster", "/ecs/v2/clusters?region=eu-west-1"),
        ("arn:aws:lambda:eu-west-1:1:code-signing-config:csc-1", "/lambda/home?region=eu-west-1#/functions"),
        ("arn:aws:elasticfilesystem:eu-west-1:1:x/y", "/efs/home?region=eu-west-1#/file-systems"),
    ],
)
def test_an_unknown_kind_opens_the_start_page_of_its_service(arn: str, path: str) -> None:
    assert page_of(arn) == Page(path, is_exact=False)


def test_the_region_is_that_of_the_arn_or_the_fallback() -> None:
    assert "region=us-east-2" in page_of("arn:aws:rds:us-east-2:1:db:x").path
    assert f"region={REGION}" in page_of("arn:aws:s3:::x").path
    assert service_page("kms", "us-east-2") == "/kms/home?region=us-east-2"


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b=c&d", "a%2Fb", "ä", "{region}", "a;view=details"])
def test_names_are_percent_encoded_in_the_url(name: str) -> None:
    path = page_of(f"arn:aws:glue:{REGION}:1:crawler/{name}").path

    split = urlsplit(path)
    assert (split.path, split.query) == ("/glue/home", f"region={REGION}")
    assert unquote(split.fragment) == f"/v2/data-catalog/crawlers/view/{name}"
    assert path.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "arn",
        "arn:aws",
        "arn:aws:s3",
        "arn:aws:s3:::",
        "arn:aws:S3:::b",
        "arn:aws:s3:::b\n",
        "arn:aws:s3:::" + "b" * 2048,
    ],
)
def test_invalid_arns_are_not_parsed(text: str) -> None:
    assert parse(text) is None


def test_each_partition_has_a_console_of_its_own() -> None:
    assert len({partition.console_host for partition in CONSOLE_PARTITIONS.values()}) == 4
