"""The kinds of resources with a known console page: a pattern for the ARN's last field, and the page.

The named groups of a pattern, `region`, `account`, `partition` and `dns_suffix` can be inserted in the page,
as can the whole ARN (`arn` keeps its colons and slashes, `arn_quoted` does not). The first pattern that
matches the whole field wins. A part of a resource, such as an index, leads to the resource.
"""

from daypass.common.console.network import EC2, LOAD_BALANCING

_CLOUDWATCH = "/cloudwatch/home?region={region}#"
_CODESUITE = "/codesuite"
_GLUE = "/glue/home?region={region}#/v2/data-catalog"
_IAM = "/iam/home?region={region}#"
_LAMBDA = "/lambda/home?region={region}#"
_RDS = "/rds/home?region={region}#"
_LOG_GROUP = _CLOUDWATCH + "logsV2:log-groups/log-group/{group:logs}"

KINDS: dict[str, tuple[tuple[str, str], ...]] = {
    "acm": (("certificate/(?P<id>[^/]+)", "/acm/home?region={region}#/certificates/{id}"),),
    "apigateway": (
        (
            "/restapis/(?P<id>[^/]+)/stages(/.*)?",
            "/apigateway/main/apis/{id}/stages?api={id}&region={region}",
        ),
        ("/restapis/(?P<id>[^/]+)(/.*)?", "/apigateway/main/apis/{id}/resources?api={id}&region={region}"),
        ("/apis/(?P<id>[^/]+)(/.*)?", "/apigateway/main/develop/routes?api={id}&region={region}"),
        (
            "/domainnames/(?P<id>[^/]+)(/.*)?",
            "/apigateway/main/publish/domain-names?domain={id}&region={region}",
        ),
    ),
    "apprunner": (
        (
            "service/[^/]+/[^/]+",
            "/apprunner/home?region={region}#/services/dashboard?service_arn={arn_quoted}",
        ),
    ),
    "appsync": (("apis/(?P<id>[^/]+)(/.*)?", "/appsync/home?region={region}#/{id}/v1/home"),),
    "athena": (("workgroup/(?P<id>[^/]+)", "/athena/home?region={region}#/workgroups/details/{id}"),),
    "autoscaling": (
        (
            "autoScalingGroup:[^:]*:autoScalingGroupName/(?P<id>.+)",
            "/ec2/home?region={region}#AutoScalingGroupDetails:id={id};view=details",
        ),
    ),
    "backup": (
        ("backup-vault:(?P<id>[^:]+)", "/backup/home?region={region}#/backupvaults/details/{id}"),
        ("backup-plan:(?P<id>[^:]+)(:.*)?", "/backup/home?region={region}#/backupplan/details/{id}"),
    ),
    "batch": (
        ("compute-environment/.+", "/batch/home?region={region}#compute-environments/detail/{arn_quoted}"),
        ("job/(?P<id>[^/]+)", "/batch/home?region={region}#jobs/detail/{id}"),
        ("job-definition/.+", "/batch/home?region={region}#job-definition/detail/{arn_quoted}"),
        ("job-queue/.+", "/batch/home?region={region}#queues/detail/{arn_quoted}"),
    ),
    "cloudformation": (
        (
            "stack/[^/]+/[^/]+",
            "/cloudformation/home?region={region}#/stacks/stackinfo?stackId={arn_quoted}",
        ),
        ("stackset/(?P<id>.+)", "/cloudformation/home?region={region}#/stacksets/{id}/info"),
    ),
    "cloudfront": (
        ("distribution/(?P<id>[^/]+)", "/cloudfront/v4/home?region={region}#/distributions/{id}"),
    ),
    "cloudtrail": (("trail/.+", "/cloudtrailv2/home?region={region}#/trails/{arn}"),),
    "cloudwatch": (
        ("alarm:(?P<id>.+)", _CLOUDWATCH + "alarmsV2:alarm/{id}"),
        ("dashboard/(?P<id>.+)", _CLOUDWATCH + "dashboards/dashboard/{id}"),
    ),
    "codeartifact": (
        (
            "repository/(?P<domain>[^/]+)/(?P<id>[^/]+)",
            _CODESUITE + "/codeartifact/d/{account}/{domain}/r/{id}?region={region}",
        ),
    ),
    "codebuild": (
        (
            "build/(?P<project>[^:]+):(?P<id>.+)",
            _CODESUITE + "/codebuild/{account}/projects/{project}/build/{project}%3A{id}/log?region={region}",
        ),
        ("project/(?P<id>.+)", _CODESUITE + "/codebuild/{account}/projects/{id}?region={region}"),
    ),
    "codecommit": (("(?P<id>[^/:]+)", _CODESUITE + "/codecommit/repositories/{id}/browse?region={region}"),),
    "codedeploy": (
        (
            "deploymentgroup:(?P<app>[^/]+)/(?P<id>.+)",
            _CODESUITE + "/codedeploy/applications/{app}/deployment-groups/{id}?region={region}",
        ),
        ("application:(?P<id>.+)", _CODESUITE + "/codedeploy/applications/{id}?region={region}"),
    ),
    "codepipeline": (
        ("(?P<id>[^/:]+)(/.*)?", _CODESUITE + "/codepipeline/pipelines/{id}/view?region={region}"),
    ),
    "cognito-identity": (
        (
            "identitypool/(?P<id>.+)",
            "/cognito/v2/identity/identity-pools/{id}/user-statistics?region={region}",
        ),
    ),
    "cognito-idp": (
        ("userpool/(?P<id>[^/]+)", "/cognito/v2/idp/user-pools/{id}/info/overview?region={region}"),
    ),
    "dynamodb": (("table/(?P<id>[^/]+)(/.*)?", "/dynamodbv2/home?region={region}#table?name={id}"),),
    "ec2": EC2,
    "ecr": (
        (
            "repository/(?P<id>.+)",
            "/ecr/repositories/private/{account}/{id}?region={region}",
        ),
    ),
    "ecs": (
        ("cluster/(?P<id>[^/]+)", "/ecs/v2/clusters/{id}/services?region={region}"),
        (
            "container-instance/(?P<cluster>[^/]+)/(?P<id>[^/]+)",
            "/ecs/v2/clusters/{cluster}/infrastructure/container-instances/{id}?region={region}",
        ),
        # The older form without the cluster's name has no page: the console addresses both by their cluster.
        (
            "service/(?P<cluster>[^/]+)/(?P<id>[^/]+)",
            "/ecs/v2/clusters/{cluster}/services/{id}/health?region={region}",
        ),
        (
            "task/(?P<cluster>[^/]+)/(?P<id>[^/]+)",
            "/ecs/v2/clusters/{cluster}/tasks/{id}/configuration?region={region}",
        ),
        (
            "task-definition/(?P<id>[^:]+):(?P<revision>[0-9]+)",
            "/ecs/v2/task-definitions/{id}/{revision}/containers?region={region}",
        ),
        ("task-definition/(?P<id>[^:]+)", "/ecs/v2/task-definitions/{id}?region={region}"),
    ),
    "eks": (
        ("cluster/(?P<id>[^/]+)", "/eks/home?region={region}#/clusters/{id}"),
        (
            "nodegroup/(?P<cluster>[^/]+)/(?P<id>[^/]+)/.+",
            "/eks/home?region={region}#/clusters/{cluster}/nodegroups/{id}",
        ),
        (
            "fargateprofile/(?P<cluster>[^/]+)/(?P<id>[^/]+)/.+",
            "/eks/home?region={region}#/clusters/{cluster}/fargate-profiles/{id}",
        ),
        (
            "addon/(?P<cluster>[^/]+)/(?P<id>[^/]+)/.+",
            "/eks/home?region={region}#/clusters/{cluster}/add-ons/{id}",
        ),
    ),
    "elasticache": (("replicationgroup:(?P<id>[^:]+)", "/elasticache/home?region={region}#/redis/{id}"),),
    "elasticfilesystem": (
        ("file-system/(?P<id>[^/]+)", "/efs/home?region={region}#/file-systems/{id}"),
        ("access-point/(?P<id>[^/]+)", "/efs/home?region={region}#/access-points/{id}"),
    ),
    "elasticloadbalancing": LOAD_BALANCING,
    "elasticmapreduce": (("cluster/(?P<id>[^/]+)", "/emr/home?region={region}#/clusterDetails/{id}"),),
    # OpenSearch kept the name of Elasticsearch Service in its ARNs.
    "es": (("domain/(?P<id>[^/]+)(/.*)?", "/aos/home?region={region}#opensearch/domains/{id}"),),
    "events": (
        ("event-bus/(?P<id>.+)", "/events/home?region={region}#/eventbus/{id}"),
        # The ARN of a rule of the default bus does not name the bus.
        ("rule/(?P<id>[^/]+)", "/events/home?region={region}#/eventbus/default/rules/{id}"),
        ("rule/(?P<bus>.+)/(?P<id>[^/]+)", "/events/home?region={region}#/eventbus/{bus}/rules/{id}"),
    ),
    "firehose": (
        ("deliverystream/(?P<id>[^/]+)", "/firehose/home?region={region}#/details/{id}/monitoring"),
    ),
    "fsx": (("file-system/(?P<id>[^/]+)", "/fsx/home?region={region}#file-system-details/{id}"),),
    "glue": (
        ("crawler/(?P<id>[^/]+)", _GLUE + "/crawlers/view/{id}"),
        ("database/(?P<id>[^/]+)", _GLUE + "/databases/view/{id}"),
        ("job/(?P<id>[^/]+)", "/gluestudio/home?region={region}#/editor/job/{id}/details"),
        ("table/(?P<database>[^/]+)/(?P<id>[^/]+)", _GLUE + "/tables/view/{id}?database={database}"),
    ),
    "iam": (
        ("group/(?:.*/)?(?P<id>[^/]+)", _IAM + "/groups/details/{id}"),
        ("oidc-provider/.+", _IAM + "/identity_providers/details/OPENID/{arn_quoted}"),
        ("policy/.+", _IAM + "/policies/details/{arn_quoted}"),
        ("role/(?:.*/)?(?P<id>[^/]+)", _IAM + "/roles/details/{id}"),
        ("saml-provider/.+", _IAM + "/identity_providers/details/SAML/{arn_quoted}"),
        ("user/(?:.*/)?(?P<id>[^/]+)", _IAM + "/users/details/{id}"),
    ),
    "kafka": (("cluster/.+", "/msk/home?region={region}#/cluster/{arn_quoted}/view"),),
    "kinesis": (
        (
            "stream/(?P<id>[^/]+)(/.*)?",
            "/kinesis/home?region={region}#/streams/details/{id}/monitoring",
        ),
    ),
    "kms": (("key/(?P<id>[^/]+)", "/kms/home?region={region}#/kms/keys/{id}"),),
    "lambda": (
        ("event-source-mapping:(?P<id>[^:]+)", _LAMBDA + "/event-source-mappings/{id}"),
        ("function:(?P<id>[^:/]+)", _LAMBDA + "/functions/{id}?tab=code"),
        (
            r"function:(?P<id>[^:/]+):(?P<version>[0-9]+|\$LATEST)",
            _LAMBDA + "/functions/{id}/versions/{version}?tab=code",
        ),
        ("function:(?P<id>[^:/]+):(?P<alias>[^:]+)", _LAMBDA + "/functions/{id}/aliases/{alias}?tab=code"),
        ("layer:(?P<id>[^:]+)", _LAMBDA + "/layers/{id}"),
        ("layer:(?P<id>[^:]+):(?P<version>[0-9]+)", _LAMBDA + "/layers/{id}/versions/{version}"),
    ),
    "logs": (
        (
            "log-group:(?P<group>[^:]+):log-stream:(?P<stream>.+)",
            _LOG_GROUP + "/log-events/{stream:logs}",
        ),
        (r"log-group:(?P<group>[^:]+)(:\*)?", _LOG_GROUP),
    ),
    "mq": (("broker:[^:]+:(?P<id>[^:]+)", "/amazon-mq/home?region={region}#/brokers/details?id={id}"),),
    "rds": (
        ("cluster:(?P<id>[^:]+)", _RDS + "database:id={id};is-cluster=true"),
        # The name of an automated snapshot begins with "rds:".
        ("cluster-snapshot:(?P<id>.+)", _RDS + "db-snapshot:id={id};is-cluster=true"),
        ("db:(?P<id>[^:]+)", _RDS + "database:id={id}"),
        ("snapshot:(?P<id>.+)", _RDS + "db-snapshot:id={id}"),
        ("subgrp:(?P<id>[^:]+)", _RDS + "db-subnet-group:id={id}"),
    ),
    "redshift": (("cluster:(?P<id>[^:]+)", "/redshiftv2/home?region={region}#cluster-details?cluster={id}"),),
    "resource-groups": (("group/(?P<id>[^/]+)(/.*)?", "/resource-groups/group/{id}?region={region}"),),
    "route53": (
        ("healthcheck/(?P<id>[^/]+)", "/route53/healthchecks/home?region={region}#/details/{id}"),
        ("hostedzone/(?P<id>[^/]+)", "/route53/v2/hostedzones?region={region}#ListRecordSets/{id}"),
    ),
    "s3": (
        ("accesspoint/(?P<id>[^/]+)(/.*)?", "/s3/ap/{account}/{id}?region={region}"),
        ("(?P<id>[^/]+)/?", "/s3/buckets/{id}?region={region}&tab=objects"),
        # A key with a slash at its end is what the console shows as a folder.
        ("(?P<id>[^/]+)/(?P<prefix>.+/)", "/s3/buckets/{id}?region={region}&prefix={prefix}&tab=objects"),
        ("(?P<id>[^/]+)/(?P<key>.+)", "/s3/object/{id}?region={region}&prefix={key}"),
    ),
    "sagemaker": (
        ("endpoint/(?P<id>[^/]+)", "/sagemaker/home?region={region}#/endpoints/{id}"),
        ("model/(?P<id>[^/]+)", "/sagemaker/home?region={region}#/models/{id}"),
        ("notebook-instance/(?P<id>[^/]+)", "/sagemaker/home?region={region}#/notebook-instances/{id}"),
        ("training-job/(?P<id>[^/]+)", "/sagemaker/home?region={region}#/jobs/{id}"),
    ),
    "scheduler": (
        (
            "schedule/(?P<group>[^/]+)/(?P<id>[^/]+)",
            "/scheduler/home?region={region}#schedules/{group}/{id}",
        ),
    ),
    "secretsmanager": (
        # AWS appends a dash and six random characters to the name; the page is addressed by the name.
        ("secret:(?P<id>.+)-[A-Za-z0-9]{6}", "/secretsmanager/secret?name={id}&region={region}"),
        ("secret:(?P<id>.+)", "/secretsmanager/secret?name={id}&region={region}"),
    ),
    "sns": (
        ("[^:]+", "/sns/v3/home?region={region}#/topic/{arn}"),
        # A subscription has the topic's ARN and an id of its own.
        ("[^:]+:[^:]+", "/sns/v3/home?region={region}#/subscription/{arn}"),
    ),
    "sqs": (
        (
            "(?P<id>[^:/]+)",
            "/sqs/v3/home?region={region}#/queues/https%3A%2F%2Fsqs.{region}.{dns_suffix}%2F{account}%2F{id}",
        ),
    ),
    "ssm": (
        ("document/(?P<id>[^/]+)", "/systems-manager/documents/{id}/description?region={region}"),
        # A parameter's name has a leading slash exactly if it has a path; the console encodes it twice.
        (
            "parameter/(?P<id>[^/]+)",
            "/systems-manager/parameters/{id:twice}/description?region={region}&tab=Table",
        ),
        (
            "parameter(?P<id>/.+)",
            "/systems-manager/parameters/{id:twice}/description?region={region}&tab=Table",
        ),
    ),
    "states": (
        ("execution:.+", "/states/home?region={region}#/v2/executions/details/{arn}"),
        ("stateMachine:[^:]+", "/states/home?region={region}#/statemachines/view/{arn}"),
    ),
    # The console has no page for a session, so the role's is shown.
    "sts": (("assumed-role/(?P<id>[^/]+)/.+", _IAM + "/roles/details/{id}"),),
    "synthetics": (("canary:(?P<id>[^:]+)", _CLOUDWATCH + "synthetics:canary/detail/{id}"),),
    "transfer": (("server/(?P<id>[^/]+)", "/transfer/home?region={region}#/servers/{id}"),),
    "wafv2": (
        (
            "regional/webacl/(?P<name>[^/]+)/(?P<id>[^/]+)",
            "/wafv2/homev2/web-acl/{name}/{id}/overview?region={region}",
        ),
        (
            "global/webacl/(?P<name>[^/]+)/(?P<id>[^/]+)",
            "/wafv2/homev2/web-acl/{name}/{id}/overview?region=global",
        ),
    ),
}
"""For each service by its name in ARNs: the pattern of each kind and its page."""
