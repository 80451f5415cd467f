"""The proxy between the portal and AWS, chosen alike for the portal's connections and for boto3's."""

import os

from daypass.common.proxies import Proxy, ProxyError, proxy_for
from daypass.portal.aws.errors import proxy_failure
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.config.model import AwsConfig


def chosen_proxy(url: str) -> Proxy | None:
    """Return the proxy for *url*, or None for a direct connection; raises `AwsMisconfigured`."""
    try:
        return proxy_for(url, os.environ)
    except ProxyError as error:
        raise proxy_failure(error) from error


def boto_proxies(url: str) -> dict[str, str]:
    """Return the proxy for *url* in the form of botocore's `Config(proxies=...)`; it may contain a password.

    botocore's own choice would differ: it sends loopback requests through the proxy and ignores ALL_PROXY.
    """
    proxy = chosen_proxy(url)
    return {} if proxy is None else {url.partition("://")[0]: proxy.url}


def service_urls(config: AwsConfig) -> dict[str, str]:
    """Return the URL of each AWS service that the portal calls."""
    partition, override = PARTITIONS[config.partition], config.endpoint_url
    return {
        "sts": override or partition.sts_url(config.region),
        "iam": override or partition.iam_url,
        "tagging": override or partition.tagging_url(config.region),
        "signin": config.signin_url or partition.signin_url(config.region),
    }


def used_proxies(config: AwsConfig) -> tuple[Proxy, ...]:
    """Return the proxies on the way to AWS; raises `AwsMisconfigured`."""
    proxies = [chosen_proxy(url) for url in service_urls(config).values()]
    return tuple({proxy.address: proxy for proxy in proxies if proxy is not None}.values())
