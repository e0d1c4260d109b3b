"""Open Telekom Cloud and Huawei Cloud: load balancers, their metrics, and clusters, behind `bot.ports.Cloud`."""
