"""Protocols as bytes and values, sans IO: nothing here knows a queue or a socket."""
