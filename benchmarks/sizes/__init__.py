"""The operator against a real API server, by size: `python -m benchmarks.sizes`.

stack      etcd, API server, controllers, one broker, one operator, and the CPU that each has used
audit      what the operator asked of the API server, from the server's own audit log
watching   when each object was seen and when it was ready, as a client sees it
thousand   scenarios with 1,000 Queues
many       scenarios with 10,000 mixed objects
report     the table, beside what RabbitMQ's operators need
"""
