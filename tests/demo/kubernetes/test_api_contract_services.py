"""What every API server does with Services: defaults, allocations, status, validation; also run against a real one."""

from typing import Any

import pytest

from tests.demo.kubernetes.wire import STRATEGIC, Api


def service(name: str, **spec: object) -> dict[str, Any]:
    """Return a Service with one port."""
    return {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 80}], **spec}}


LOCAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}


async def test_a_service_gets_its_defaults_and_addresses(api: Api) -> None:
    """Type, protocol, target port, policies and a cluster address are filled in."""
    spec = (await api.create("services", service("a"))).body["spec"]
    assert spec["type"] == "ClusterIP"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["sessionAffinity"], spec["internalTrafficPolicy"]) == ("None", "Cluster")
    assert "externalTrafficPolicy" not in spec


async def test_a_load_balancer_gets_node_ports(api: Api) -> None:
    """A LoadBalancer Service gets a node port, and one for health checks where its policy is Local."""
    cluster = (await api.create("services", service("a", type="LoadBalancer"))).body["spec"]
    assert cluster["externalTrafficPolicy"] == "Cluster"
    assert cluster["allocateLoadBalancerNodePorts"] is True
    assert 30000 <= cluster["ports"][0]["nodePort"] <= 32767
    assert "healthCheckNodePort" not in cluster
    local = (await api.create("services", service("b", **LOCAL))).body["spec"]
    assert 30000 <= local["healthCheckNodePort"] <= 32767


async def test_a_changed_policy_allocates_and_releases_the_health_check_port(api: Api) -> None:
    """The port comes with Local, survives other changes, and goes with Cluster."""
    await api.create("services", service("a", type="LoadBalancer"))
    local = await api.patch("services", "a", {"spec": {"externalTrafficPolicy": "Local"}})
    port = local.body["spec"]["healthCheckNodePort"]
    noted = await api.patch("services", "a", {"metadata": {"annotations": {"x": "1"}}})
    assert noted.body["spec"]["healthCheckNodePort"] == port
    cluster = await api.patch("services", "a", {"spec": {"externalTrafficPolicy": "Cluster"}})
    assert "healthCheckNodePort" not in cluster.body["spec"]


async def test_ports_without_allocation_have_no_node_port(api: Api) -> None:
    """AllocateLoadBalancerNodePorts false allocates none."""
    body = service("a", type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    assert "nodePort" not in (await api.create("services", body)).body["spec"]["ports"][0]


async def test_a_taken_node_port_is_refused(api: Api) -> None:
    """Two Services cannot have one node port."""
    first = await api.create("services", service("a", type="NodePort"))
    taken = first.body["spec"]["ports"][0]["nodePort"]
    answer = await api.call(
        "POST", api.path("services"), service("b", type="NodePort", ports=[{"port": 81, "nodePort": taken}])
    )
    assert answer.status == 422
    assert "provided port is already allocated" in answer.body["message"]


async def test_an_update_keeps_what_was_allocated(api: Api) -> None:
    """A PUT that leaves addresses and ports out gets them back."""
    created = (await api.create("services", service("a", type="LoadBalancer"))).body["spec"]
    answer = await api.call("PUT", api.path("services", "a"), service("a", type="LoadBalancer"))
    assert answer.status == 200
    assert answer.body["spec"]["clusterIP"] == created["clusterIP"]
    assert answer.body["spec"]["ports"] == created["ports"]


async def test_a_cluster_address_cannot_be_changed(api: Api) -> None:
    """ClusterIP is immutable."""
    created = await api.create("services", service("a"))
    other = ".".join([*created.body["spec"]["clusterIP"].split(".")[:3], "250"])
    answer = await api.patch("services", "a", {"spec": {"clusterIP": other, "clusterIPs": [other]}})
    assert answer.status == 422
    assert "may not change once set" in answer.body["message"]


@pytest.mark.parametrize(
    ("spec", "field", "reason"),
    [
        ({"ports": []}, "spec.ports", "FieldValueRequired"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port", "FieldValueInvalid"),
        ({"ports": [{"port": 70000}]}, "spec.ports[0].port", "FieldValueInvalid"),
        ({"ports": [{"port": 80, "protocol": "ICMP"}]}, "spec.ports[0].protocol", "FieldValueNotSupported"),
        ({"type": "Magic"}, "spec.type", "FieldValueNotSupported"),
        ({"externalTrafficPolicy": "Local"}, "spec.externalTrafficPolicy", "FieldValueInvalid"),
        (LOCAL | {"externalTrafficPolicy": "Near"}, "spec.externalTrafficPolicy", "FieldValueNotSupported"),
    ],
)
async def test_nonsense_is_refused_by_field(api: Api, spec: dict[str, Any], field: str, reason: str) -> None:
    """A 422 names the field and what kind of mistake it is."""
    answer = await api.call("POST", api.path("services"), service("a", **spec))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert (field, reason) in [(each["field"], each["reason"]) for each in answer.body["details"]["causes"]]
    assert answer.body["message"].startswith('Service "a" is invalid: ')


async def test_several_ports_need_names(api: Api) -> None:
    """Ports are named when there is more than one."""
    answer = await api.call("POST", api.path("services"), service("a", ports=[{"port": 80}, {"port": 81}]))
    assert answer.status == 422
    fields = [each["field"] for each in answer.body["details"]["causes"]]
    assert fields == ["spec.ports[0].name", "spec.ports[1].name"]
    assert answer.body["message"] == (
        'Service "a" is invalid: [spec.ports[0].name: Required value, spec.ports[1].name: Required value]'
    )


async def test_a_service_name_is_a_dns_label(api: Api) -> None:
    """A Service's name has neither capitals nor underscores (before v1.35 it begins with a letter, too)."""
    answer = await api.call("POST", api.path("services"), service("a_B"))
    assert answer.status == 422
    assert "label must consist of lower case alphanumeric characters" in answer.body["message"]


async def test_status_through_the_main_resource_is_dropped(api: Api) -> None:
    """Nobody is told, and nothing is written."""
    await api.create("services", service("a", type="LoadBalancer"))
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    answer = await api.patch("services", "a", status)
    assert answer.status == 200
    assert answer.body["status"] == {"loadBalancer": {}}


async def test_the_status_subresource_leaves_the_spec_alone(api: Api) -> None:
    """A status write takes the status, under its own entry in managedFields."""
    await api.create("services", service("a", type="LoadBalancer"))
    patch = {
        "spec": {"sessionAffinity": "ClientIP"},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
    }
    answer = await api.patch("services", "a", patch, sub="status", fieldManager="balancer")
    assert answer.body["spec"]["sessionAffinity"] == "None"
    entry = next(e for e in answer.body["metadata"]["managedFields"] if e["manager"] == "balancer")
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:loadBalancer": {"f:ingress": {}}}}


async def test_the_mode_of_an_address_defaults_to_vip(api: Api) -> None:
    """IpMode is VIP unless it says Proxy; a list sent without it falls back to VIP."""
    await api.create("services", service("a", type="LoadBalancer"))

    async def write(entry: dict[str, str]) -> Any:
        patch = {"status": {"loadBalancer": {"ingress": [entry]}}}
        return await api.patch("services", "a", patch, sub="status")

    proxy = await write({"ip": "192.0.2.1", "ipMode": "Proxy"})
    assert proxy.body["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "Proxy"}]
    reset = await write({"ip": "192.0.2.1"})
    assert reset.body["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]
    assert (await write({"ip": "192.0.2.1", "ipMode": "Magic"})).status == 422
    assert (await write({"hostname": "lb.example.org", "ipMode": "VIP"})).status == 422
    assert (await write({"ip": "not an address"})).status == 422


async def test_a_strategic_patch_merges_ports_by_their_number(api: Api) -> None:
    """A strategic merge changes the one port; a merge patch would replace the list."""
    ports = [{"name": "http", "port": 80}, {"name": "https", "port": 443}]
    await api.create("services", service("a", ports=ports))
    change = {"spec": {"ports": [{"port": 443, "targetPort": 8443}]}}
    answer = await api.patch("services", "a", change, STRATEGIC)
    merged = [(port["name"], port["port"], port["targetPort"]) for port in answer.body["spec"]["ports"]]
    assert sorted(merged) == [("http", 80, 80), ("https", 443, 8443)]
    removal = {"spec": {"ports": [{"port": 80, "$patch": "delete"}]}}
    left = await api.patch("services", "a", removal, STRATEGIC)
    assert [port["port"] for port in left.body["spec"]["ports"]] == [443]


async def test_the_fields_of_a_new_service_are_owned_by_port_and_protocol(api: Api) -> None:
    """ManagedFields of a Service: ports are keyed, the selector is owned as a whole, allocations by nobody."""
    created = await api.create("services", service("a", **LOCAL), fieldManager="maker")
    (entry,) = created.body["metadata"]["managedFields"]
    port: dict[str, Any] = {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}
    assert entry["fieldsV1"]["f:spec"] == {
        "f:allocateLoadBalancerNodePorts": {},
        "f:externalTrafficPolicy": {},
        "f:internalTrafficPolicy": {},
        "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': port},
        "f:selector": {},
        "f:sessionAffinity": {},
        "f:type": {},
    }


async def test_an_unknown_service_is_created_by_an_update(api: Api) -> None:
    """Services, unlike most, are created by PUT."""
    answer = await api.call("PUT", api.path("services", "a"), service("a"))
    assert answer.status == 201


async def test_a_deleted_service_is_shown_once_more(api: Api) -> None:
    """The answer to the delete of a Service is the Service."""
    await api.create("services", service("a"))
    answer = await api.call("DELETE", api.path("services", "a"))
    assert (answer.status, answer.body["kind"]) == (200, "Service")
