"""What the kernel itself objects to. The caller maps `code` to its own AMQP errors."""


class ProtocolViolation(Exception):
    """A peer broke the protocol in a way the kernel saw itself.

    code: AMQP reply code. 406 closes the channel; every other code (501, 502, 505) closes the connection.
    text: the explanation without the code's name ("unknown delivery tag 7").
    class_id, method_id: the offending method, 0 and 0 when there is none.
    """

    def __init__(self, code: int, text: str, class_id: int = 0, method_id: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.class_id = class_id
        self.method_id = method_id


class CorruptEntry(ValueError):
    """A damaged entry of the log with intact ones behind it: the disk lost what was once written.

    offset: bytes from the start of the file to the damaged entry.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"damaged at offset {offset}, {reason}")
        self.offset = offset
        self.reason = reason
