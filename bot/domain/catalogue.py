"""The whole catalogue: every rule that a hop, a reason or a finding may name."""

from bot.domain import rules_balancer, rules_finding, rules_kube_proxy
from bot.domain.rule import Rule

RULES: dict[str, Rule] = {
    rule.id: rule for rule in (*rules_kube_proxy.RULES, *rules_balancer.RULES, *rules_finding.RULES)
}
"""Every rule by its id."""
