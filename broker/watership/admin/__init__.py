"""The admin protocol: one table of verbs, done locally, served as RabbitMQ's management API, called by a client.

api      the table, and what every implementation raises
local    the verbs over a broker
view     objects as the management API shows them
auth     who asks, and whether the verb is for them
listing  columns, order and pages of what is listed
http     the verbs as routes
client   the verbs as calls
health   the checks
metrics  Prometheus, with RabbitMQ's names
"""
