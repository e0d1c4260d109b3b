"""Where the services of a cloud are."""

from bot.config.settings import CloudSettings, Provider

_DOMAIN = {Provider.OTC: "otc.t-systems.com", Provider.HUAWEICLOUD: "myhuaweicloud.com"}
_EXCEPTIONS = {
    # The regions list of the vendor's own SDK: this one service of this region has another domain.
    (Provider.HUAWEICLOUD, "eu-west-101", "cce"): "https://cce.eu-west-101.myhuaweicloud.eu",
}


def endpoint(settings: CloudSettings, service: str) -> str:
    """Return a service's base URL: the configured one, else the provider's own for the region."""
    override = settings.endpoints.get(service)
    if override:
        return override.rstrip("/")
    exception = _EXCEPTIONS.get((settings.provider, settings.region, service))
    return exception or f"https://{service}.{settings.region}.{_DOMAIN[settings.provider]}"
