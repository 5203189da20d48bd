"""A verifier that is not ours (Debian's python3-dkim) reads a mail from standard input and asks the DNS server on the given port of 127.0.0.1 for the key."""
import sys
import dkim
import dns.resolver

resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["127.0.0.1"]
resolver.port = int(sys.argv[1])


def txt(name, timeout=5):
    try:
        answer = resolver.resolve(name.decode("ascii").rstrip("."), "TXT")
    except dns.resolver.NXDOMAIN:
        return None
    return b"".join(answer[0].strings)


print("pass" if dkim.verify(sys.stdin.buffer.read(), dnsfunc=txt) else "fail")
