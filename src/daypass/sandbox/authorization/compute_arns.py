"""The ARN templates of the services that run something, from AWS's service authorization reference."""

# By service: the templates that `arns.py` describes, each with patterns of the operations that it applies to.
COMPUTE: dict[str, dict[str, str]] = {
    "lambda": {
        "function:{FunctionName}": (
            "*Function* *Alias* *Permission* *Polic* *Policy Invoke* PublishVersion "
            "ListVersionsByFunction *Concurrency* GetRuntimeManagementConfig PutRuntimeManagementConfig"
        ),
        "{Resource}": "ListTags TagResource UntagResource",
        "event-source-mapping:{UUID}": (
            "DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping"
        ),
        "layer:{LayerName}": "PublishLayerVersion",
        "layer:{LayerName}:{VersionNumber}": (
            "GetLayerVersion GetLayerVersionPolicy DeleteLayerVersion AddLayerVersionPermission "
            "RemoveLayerVersionPermission"
        ),
        "{Arn}": "GetLayerVersionByArn",
        "{CodeSigningConfigArn}": "*CodeSigningConfig ListFunctionsByCodeSigningConfig",
    },
    "ecs": {
        # ECS uses the cluster `default` where a call names none.
        "cluster/{cluster|clusterName|clusters=default}": (
            "CreateCluster DeleteCluster DescribeClusters UpdateCluster UpdateClusterSettings "
            "PutClusterCapacityProviders ListAttributes ListContainerInstances RegisterContainerInstance "
            "DeregisterContainerInstance ExecuteCommand"
        ),
        "service/{cluster=default}/{service|serviceName|services}": (
            "CreateService DeleteService UpdateService DescribeServices UpdateServicePrimaryTaskSet "
            "ListServiceDeployments"
        ),
        "task-set/{cluster=default}/{service}/{taskSet|taskSets=*}": (
            "CreateTaskSet DeleteTaskSet DescribeTaskSets UpdateTaskSet"
        ),
        "task/{cluster=default}/{task|tasks}": (
            "DescribeTasks StopTask ExecuteCommand GetTaskProtection UpdateTaskProtection"
        ),
        "container-instance/{cluster=default}/{containerInstance|containerInstances=*}": (
            "ListTasks DescribeContainerInstances UpdateContainerAgent UpdateContainerInstancesState"
        ),
        # The revision is assigned by AWS.
        "task-definition/{family}:*": "RegisterTaskDefinition",
        "task-definition/{taskDefinition|taskDefinitions}": "RunTask StartTask DeleteTaskDefinitions",
        "capacity-provider/{name|capacityProvider|capacityProviders=*}": (
            "*CapacityProvider DescribeCapacityProviders"
        ),
        "{resourceArn}": "ListTagsForResource TagResource UntagResource",
    },
    "ecr": {
        "repository/{repositoryName|repositoryNames=*}": (
            "CreateRepository DeleteRepository DescribeRepositories BatchCheckLayerAvailability "
            "BatchDeleteImage BatchGetImage CompleteLayerUpload DeleteLifecyclePolicy "
            "DeleteRepositoryPolicy DescribeImage* GetDownloadUrlForLayer GetLifecyclePolicy* "
            "GetRepositoryPolicy InitiateLayerUpload ListImages PutImage* PutLifecyclePolicy "
            "SetRepositoryPolicy StartImageScan StartLifecyclePolicyPreview UploadLayerPart"
        ),
        "{resourceArn}": "ListTagsForResource TagResource UntagResource",
    },
    "events": {
        "rule/{EventBusName=default}/{Name|Rule}": "*Rule PutTargets RemoveTargets ListTargetsByRule",
        "event-bus/{Entries.EventBusName=default}": "PutEvents",
        "event-bus/{Name=default}": "CreateEventBus DeleteEventBus DescribeEventBus UpdateEventBus",
        "archive/{ArchiveName}": "*Archive",
        # The source of an archive is a bus, and that of a replay an archive.
        "event-bus/{EventSourceArn}": "CreateArchive StartReplay",
        "replay/{ReplayName}": "*Replay",
        "connection/{Name}": "*Connection",
        "api-destination/{Name}": "*ApiDestination",
        "endpoint/{Name}": "*Endpoint",
        "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
    },
    "states": {
        "stateMachine:{stateMachineArn|name}": (
            "*StateMachine ListExecutions ListStateMachineVersions ListStateMachineAliases "
            "PublishStateMachineVersion StartExecution StartSyncExecution"
        ),
        "{stateMachineVersionArn|stateMachineAliasArn}": "*StateMachineVersion *StateMachineAlias",
        "{executionArn}": (
            "DescribeExecution DescribeStateMachineForExecution GetExecutionHistory ListMapRuns "
            "RedriveExecution StopExecution"
        ),
        "{mapRunArn}": "DescribeMapRun UpdateMapRun ListExecutions",
        "activity:{activityArn|name}": "*Activity GetActivityTask",
        "{resourceArn}": "ListTagsForResource TagResource UntagResource",
    },
    "scheduler": {
        "schedule/{GroupName=default}/{Name}": "*Schedule",
        "schedule-group/{Name}": "*ScheduleGroup",
        "{ResourceArn}": "ListTagsForResource TagResource UntagResource",
    },
    "batch": {
        "job-queue/{jobQueueName|jobQueue}": "*JobQueue SubmitJob GetJobQueueSnapshot",
        "job-definition/{jobDefinitionName|jobDefinition}": "*JobDefinition SubmitJob",
        "compute-environment/{computeEnvironmentName|computeEnvironment}": "*ComputeEnvironment",
        "compute-environment/{computeEnvironmentOrder.computeEnvironment}": "CreateJobQueue UpdateJobQueue",
        "job/{jobId}": "CancelJob TerminateJob",
        "job/{jobName}": "SubmitJob",
        "scheduling-policy/{name|arn}": "*SchedulingPolicy",
        "{resourceArn}": "ListTagsForResource TagResource UntagResource",
    },
    "codebuild": {
        "project/{projectName|name|names|id|ids}": (
            "*Project *ProjectVisibility InvalidateProjectCache BatchGetProjects StartBuild* RetryBuild* "
            "StopBuild* BatchGetBuilds BatchDeleteBuilds BatchGetBuildBatches DeleteBuildBatch "
            "ListBuildsForProject ListBuildBatchesForProject *Webhook"
        ),
        "project/{arn|projectArn}": "UpdateProjectVisibility",
        "report-group/{name|arn|reportGroupArn|reportGroupArns}": "*ReportGroup* DescribeTestCases",
        "{resourceArn}": "*ResourcePolicy",
    },
    "autoscaling": {
        # The part before the name is a random id, which AWS assigns.
        "autoScalingGroup:*:autoScalingGroupName/{AutoScalingGroupName}": (
            "*AutoScalingGroup *Instances *Polic* *LoadBalancer* *LifecycleHook *LifecycleAction* "
            "*ScheduledUpdateGroupAction *ScheduledAction *NotificationConfiguration *Process* "
            "*MetricsCollection *Standby *InstanceRefresh *WarmPool SetDesiredCapacity "
            "SetInstanceProtection *TrafficSources"
        ),
        "autoScalingGroup:*:autoScalingGroupName/{Tags.ResourceId}": "CreateOrUpdateTags DeleteTags",
        "launchConfiguration:*:launchConfigurationName/{LaunchConfigurationName}": "*LaunchConfiguration",
    },
    "elasticloadbalancing": {
        # The last part is a random id, which AWS assigns.
        "loadbalancer/{Type=application}/{Name}/*": "CreateLoadBalancer",
        "targetgroup/{Name}/*": "CreateTargetGroup",
        "{LoadBalancerArn}": (
            "CreateListener DeleteLoadBalancer ModifyLoadBalancerAttributes SetIpAddressType "
            "SetSecurityGroups SetSubnets ModifyCapacityReservation ModifyIpPools"
        ),
        "{ListenerArn}": (
            "*Listener ModifyListenerAttributes AddListenerCertificates RemoveListenerCertificates CreateRule"
        ),
        "{RuleArn|RulePriorities.RuleArn}": "DeleteRule ModifyRule SetRulePriorities",
        "{TargetGroupArn}": "*TargetGroup *Targets ModifyTargetGroupAttributes",
        "{ResourceArns}": "AddTags RemoveTags",
        "{TrustStoreArn}": "*TrustStore AddTrustStoreRevocations RemoveTrustStoreRevocations",
    },
    "cloudformation": {
        "stack/{StackName}/*": "CreateStack",
        "stack/{StackName|StackId=*}/*": (
            "*Stack *ChangeSet* DescribeStack* DetectStack* GetTemplate* GetStackPolicy SetStackPolicy "
            "ListStackResources SignalResource UpdateTerminationProtection"
        ),
        "stackset/{StackSetName}:*": "*StackSet* *StackInstances",
    },
}
