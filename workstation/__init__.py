"""Face-forgery forensic workstation: cases, exact frames, detectors, fakeness maps and self-proving reports."""

import socket

__version__ = "0.1.0"

# A library that comes along with the face networks (urllib3) opens an internet socket when it is imported, only to see
# whether IPv6 can be had. Nothing here talks to a network; told that there is no IPv6, it does not try (C4).
socket.has_ipv6 = False
