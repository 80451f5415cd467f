"""Object stores, databases, catalogues and queries."""

from tests.matrix.kinds.model import Client, Kind, Place


def _create_bucket(s3: Client, at: Place) -> str:
    s3.create_bucket(Bucket=at.name)
    return at.name


def _create_table(dynamodb: Client, at: Place) -> str:
    dynamodb.create_table(
        TableName=at.name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=at.tags(),
    )
    return at.arn("dynamodb", f"table/{at.name}")


def _create_database(rds: Client, at: Place) -> str:
    arn: str = rds.create_db_instance(
        DBInstanceIdentifier=at.name,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        MasterUsername="owner",
        MasterUserPassword="not-a-secret",
        AllocatedStorage=20,
        Tags=at.tags(),
    )["DBInstance"]["DBInstanceArn"]
    return arn


def _create_cache(elasticache: Client, at: Place) -> str:
    elasticache.create_cache_cluster(
        CacheClusterId=at.name,
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheNodes=1,
        Tags=at.tags(),
    )
    return at.arn("elasticache", f"cluster:{at.name}")


def _create_glue_database(glue: Client, at: Place) -> str:
    glue.create_database(DatabaseInput={"Name": at.name}, Tags=at.tag_map)
    glue.create_table(DatabaseName=at.name, TableInput={"Name": "orders"})
    return at.arn("glue", f"database/{at.name}")


def _create_job(glue: Client, at: Place) -> str:
    glue.create_job(Name=at.name, Role=at.role, Command={"Name": "pythonshell"}, Tags=at.tag_map)
    return at.arn("glue", f"job/{at.name}")


def _create_work_group(athena: Client, at: Place) -> str:
    athena.create_work_group(Name=at.name, Tags=at.tags())
    return at.arn("athena", f"workgroup/{at.name}")


def _create_domain(opensearch: Client, at: Place) -> str:
    opensearch.create_domain(DomainName=at.name, TagList=at.tags())
    return at.arn("es", f"domain/{at.name}")


def _name(arn: str) -> str:
    return arn.replace("/", ":").rpartition(":")[2]


DATA = (
    Kind(
        "S3 bucket",
        "s3",
        create=_create_bucket,
        use=lambda c, it: c.put_object(Bucket=it, Key="note", Body=b"note"),
        tag=lambda c, it, key, value: c.put_bucket_tagging(
            Bucket=it, Tagging={"TagSet": [{"Key": key, "Value": value}]}
        ),
        is_tagged_by_tenant=False,
    ),
    Kind(
        "DynamoDB table",
        "dynamodb",
        create=_create_table,
        use=lambda c, it: c.scan(TableName=_name(it)),
        tag=lambda c, it, key, value: c.tag_resource(ResourceArn=it, Tags=[{"Key": key, "Value": value}]),
    ),
    Kind(
        "RDS instance",
        "rds",
        create=_create_database,
        use=lambda c, it: c.stop_db_instance(DBInstanceIdentifier=_name(it)),
        tag=lambda c, it, key, value: c.add_tags_to_resource(
            ResourceName=it, Tags=[{"Key": key, "Value": value}]
        ),
    ),
    Kind(
        "ElastiCache cluster",
        "elasticache",
        create=_create_cache,
        use=lambda c, it: c.delete_cache_cluster(CacheClusterId=_name(it)),
        tag=lambda c, it, key, value: c.add_tags_to_resource(
            ResourceName=it, Tags=[{"Key": key, "Value": value}]
        ),
    ),
    Kind(
        "Glue database",
        "glue",
        create=_create_glue_database,
        use=lambda c, it: c.get_table(DatabaseName=_name(it), Name="orders"),
        tag=lambda c, it, key, value: c.tag_resource(ResourceArn=it, TagsToAdd={key: value}),
    ),
    Kind(
        "Glue job",
        "glue",
        create=_create_job,
        use=lambda c, it: c.get_job(JobName=_name(it)),
        tag=lambda c, it, key, value: c.tag_resource(ResourceArn=it, TagsToAdd={key: value}),
        start=lambda c, it: c.start_job_run(JobName=_name(it)),
    ),
    Kind(
        "Athena workgroup",
        "athena",
        create=_create_work_group,
        use=lambda c, it: c.get_work_group(WorkGroup=_name(it)),
        tag=lambda c, it, key, value: c.tag_resource(ResourceARN=it, Tags=[{"Key": key, "Value": value}]),
        start=lambda c, it: c.start_query_execution(QueryString="SELECT 1", WorkGroup=_name(it)),
    ),
    Kind(
        "OpenSearch domain",
        "opensearch",
        create=_create_domain,
        use=lambda c, it: c.list_tags(ARN=it),
        tag=lambda c, it, key, value: c.add_tags(ARN=it, TagList=[{"Key": key, "Value": value}]),
        is_made_by_tenant=False,
    ),
)
