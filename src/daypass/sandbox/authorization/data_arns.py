"""The ARN templates of the services that store something, from AWS's service authorization reference."""

# By service: the templates that `arns.py` describes, each with patterns of the operations that it applies to.
DATA: dict[str, dict[str, str]] = {
    "rds": {
        # Without an identifier it lists all instances, which AWS decides on the type of resource.
        "db:{DBInstanceIdentifier=*}": "DescribeDBInstances",
        "db:{DBInstanceIdentifier|TargetDBInstanceIdentifier}": "*",
        "db:{SourceDBInstanceIdentifier}": "*ReadReplica RestoreDBInstance*",
        "cluster:{DBClusterIdentifier=*}": "DescribeDBClusters",
        "cluster:{DBClusterIdentifier|TargetDBClusterIdentifier|SourceDBClusterIdentifier}": "*",
        "cluster-endpoint:{DBClusterEndpointIdentifier}": "*DBClusterEndpoint*",
        "snapshot:{DBSnapshotIdentifier}": "*",
        "snapshot:{SourceDBSnapshotIdentifier}": "CopyDBSnapshot",
        "snapshot:{TargetDBSnapshotIdentifier}": "CopyDBSnapshot",
        "cluster-snapshot:{DBClusterSnapshotIdentifier|SnapshotIdentifier|FinalDBSnapshotIdentifier}": (
            "*DBCluster* RestoreDBInstanceFromDBSnapshot"
        ),
        "cluster-snapshot:{SourceDBClusterSnapshotIdentifier}": "CopyDBClusterSnapshot",
        "cluster-snapshot:{TargetDBClusterSnapshotIdentifier}": "CopyDBClusterSnapshot",
        "subgrp:{DBSubnetGroupName}": "*",
        "pg:{DBParameterGroupName|SourceDBParameterGroupIdentifier}": (
            "CreateDBInstance* ModifyDBInstance RestoreDBInstance* *DBParameterGroup DescribeDBParameters"
        ),
        "pg:{TargetDBParameterGroupIdentifier}": "CopyDBParameterGroup",
        "cluster-pg:{DBClusterParameterGroupName|SourceDBClusterParameterGroupIdentifier}": "*DBCluster*",
        "cluster-pg:{TargetDBClusterParameterGroupIdentifier}": "CopyDBClusterParameterGroup",
        "og:{OptionGroupName}": "*OptionGroup CreateDB* ModifyDB* RestoreDB*",
        "db-proxy:{DBProxyName}": "DeleteDBProxy ModifyDBProxy DescribeDBProxyT* CreateDBProxyEndpoint",
        "db-proxy-endpoint:{DBProxyEndpointName}": "*DBProxyEndpoint*",
        "es:{SubscriptionName}": "*Subscription*",
        "{ResourceName|SourceArn|ResourceIdentifier|ResourceArn}": "*",
    },
    "elasticache": {
        "cluster:{CacheClusterId}": "*CacheCluster* CreateSnapshot",
        "replicationgroup:{ReplicationGroupId}": (
            "*ReplicationGroup* *ReplicaCount TestFailover CreateSnapshot CreateCacheCluster"
        ),
        "subnetgroup:{CacheSubnetGroupName}": "*CacheSubnetGroup* Create* Modify*",
        "parametergroup:{CacheParameterGroupName}": "*CacheParameter* Create* Modify*",
        "snapshot:{SnapshotName|SourceSnapshotName}": "*Snapshot* Create*",
        "snapshot:{TargetSnapshotName}": "CopySnapshot",
        "serverlesscache:{ServerlessCacheName}": "*Serverless*",
        "user:{UserId}": "*User *Users",
        "usergroup:{UserGroupId}": "*UserGroup*",
        "{ResourceName}": "AddTagsToResource ListTagsForResource RemoveTagsFromResource",
    },
    "opensearch": {
        "domain/{DomainName|DomainNames}": (
            "*[a-z]Domain *Domains *DomainConfig* *Domain[CHMN]* *Package* *Upgrade* *DataSource* "
            "*SoftwareUpdate *ScheduledAction* *DomainMaintenance* *DryRun* *Index "
            "DescribeDomainAutoTunes"
        ),
        "{ARN|arn}": "AddTags ListTags RemoveTags",
    },
    "elasticfilesystem": {
        "file-system/{FileSystemId}": "*",
        "access-point/{AccessPointId}": "*AccessPoint*",
        "file-system/{ResourceId}": "ListTagsForResource TagResource UntagResource",
        "file-system/{SourceFileSystemId}": "*ReplicationConfiguration*",
    },
    "firehose": {
        "deliverystream/{DeliveryStreamName}": "*",
    },
    "glue": {
        # AWS decides each call on the catalog, on the database and on the table.
        "catalog": (
            "*Database* *Table* *Partition* *Connection *Connections *UserDefinedFunction* *Catalog* "
            "*ResourcePolic*"
        ),
        "database/{DatabaseName|DatabaseInput.Name}": "*Database *Table* *Partition* *UserDefinedFunction*",
        "database/{Name}": "GetDatabase UpdateDatabase DeleteDatabase",
        "table/{DatabaseName}/{TableName|TableInput.Name|Name|TablesToDelete=*}": "*Table* *Partition*",
        # The tables are deleted with their database.
        "table/{Name}/*": "DeleteDatabase",
        "job/{JobName|Name|JobNames}": "*Job *JobRun* BatchGetJobs",
        "crawler/{Name|CrawlerName|CrawlerNames}": (
            "DeleteCrawler GetCrawler StartCrawler StopCrawler UpdateCrawler ListCrawls BatchGetCrawlers"
        ),
        "trigger/{Name|TriggerNames}": "*Trigger BatchGetTriggers",
        "workflow/{Name|Names}": "*Workflow *WorkflowRun* BatchGetWorkflows",
        "connection/{ConnectionInput.Name|Name|ConnectionName|ConnectionNameList}": "*Connection",
        "{ResourceArn}": "GetTags TagResource UntagResource",
    },
    "athena": {
        # Athena uses the workgroup `primary` where a call names none.
        "workgroup/{WorkGroup|Name=primary}": (
            "*WorkGroup *NamedQuer* *PreparedStatement* *QueryExecution* GetQueryResults* "
            "GetQueryRuntimeStatistics StartSession ListSessions"
        ),
        "datacatalog/{CatalogName|Name}": "*DataCatalog GetDatabase ListDatabases *TableMetadata",
        "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
    },
    "secretsmanager": {
        "secret:{SecretId|Name}": (
            "*Secret *SecretValue *SecretVersion* *ResourcePolicy RotateSecret *Replication* "
            "ReplicateSecretToRegions TagResource UntagResource"
        ),
    },
    "ssm": {
        "parameter/{Name|Names}": "*Parameter *Parameters GetParameterHistory *ParameterVersion",
        "parameter/{Path}": "GetParametersByPath",
        "document/{Name|DocumentName|Document}": (
            "*Document *DocumentDefaultVersion *DocumentPermission *DocumentMetadata* *DocumentVersions "
            "SendCommand *Association StartAutomationExecution"
        ),
        # The document of AWS that a session without a document uses.
        "document/{DocumentName=SSM-SessionManagerRunShell}": "StartSession",
        "arn:aws:ec2:{_region}:{_account}:instance/{InstanceIds|InstanceId|Target=*}": (
            "SendCommand StartSession CreateAssociation GetConnectionStatus"
        ),
        "arn:aws:ec2:{_region}:{_account}:instance/{InstanceId}": "DeleteAssociation DescribeAssociation",
        "session/{SessionId}": "ResumeSession TerminateSession",
        "servicesetting/{SettingId}": "*ServiceSetting",
        "parameter/{ResourceId}": "AddTagsToResource RemoveTagsFromResource ListTagsForResource",
    },
    "kms": {
        "key/{KeyId|SourceKeyId|TargetKeyId}": (
            "Describe* Get* List*Key* ListGrants ListResourceTags *Key *KeyRotation Encrypt Decrypt "
            "ReEncrypt GenerateDataKey* GenerateMac VerifyMac Sign Verify *Grant TagResource "
            "UntagResource *KeyPolicy *KeyDescription *PrimaryRegion *KeyMaterial RotateKeyOnDemand "
            "DeriveSharedSecret CancelKeyDeletion ScheduleKeyDeletion"
        ),
        # Two keys: one decrypts, the other encrypts.
        "key/{DestinationKeyId}": "ReEncrypt",
        "alias/{AliasName}": "CreateAlias DeleteAlias UpdateAlias",
        "key/{TargetKeyId}": "CreateAlias UpdateAlias",
    },
    "acm": {
        "{CertificateArn}": "*",
        # A new certificate has no ARN yet.
        "certificate/*": "ImportCertificate",
    },
    "logs": {
        "log-group:{logGroupName|logGroupIdentifier|logGroupNames|logGroupIdentifiers}": (
            "CreateLogGroup DeleteLogGroup AssociateKmsKey DisassociateKmsKey *MetricFilter* "
            "*RetentionPolicy *SubscriptionFilter* CreateExportTask DescribeLogStreams FilterLogEvents "
            "*DataProtectionPolicy GetLogGroupFields StartQuery *TagsLogGroup TagLogGroup UntagLogGroup "
            "*Transformer PutLogGroupDeletionProtection"
        ),
        "log-group:{logGroupName|logGroupIdentifier}:log-stream:{logStreamName}": (
            "CreateLogStream DeleteLogStream GetLogEvents PutLogEvents"
        ),
        "{logGroupIdentifiers}": "StartLiveTail",
        "destination:{destinationName}": "*Destination *DestinationPolicy",
        "{resourceArn}": "ListTagsForResource TagResource UntagResource",
    },
    "monitoring": {
        "alarm:{AlarmName|AlarmNames}": (
            "DeleteAlarms DescribeAlarmHistory DisableAlarmActions EnableAlarmActions PutCompositeAlarm "
            "PutMetricAlarm SetAlarmState"
        ),
        "alarm:{AlarmNames=*}": "DescribeAlarms",
        "arn:aws:cloudwatch::{_account}:dashboard/{DashboardName|DashboardNames}": (
            "*Dashboard DeleteDashboards"
        ),
        "insight-rule/{RuleName|RuleNames}": "*InsightRule*",
        "metric-stream/{Name|Names}": "*MetricStream*",
        "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
    },
}
