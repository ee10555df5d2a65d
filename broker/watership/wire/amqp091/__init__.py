"""AMQP 0-9-1 with RabbitMQ's extensions.

spec.txt     every method, declared; methods.py is generated from it
table        field tables and arrays (section 4.2.5.5, with RabbitMQ's reading of the type letters)
properties   the content header of class basic
frames       what is fixed: protocol header, frame types, heartbeat
states       which method is legal when, as tables
"""
