"""Whether a post came from our own page.

A forged post gains little here, where no cookie is sent along: it borrows a visitor's address and
browser to ask for calls. Browsers tell on it. The order is that of Go's CrossOriginProtection
(https://pkg.go.dev/net/http#CrossOriginProtection): Sec-Fetch-Site first, then Origin; who sends
neither is no browser and has nobody's address to borrow.
"""

from werkzeug.datastructures import Headers


def is_cross_site(headers: Headers, public_url: str) -> bool:
    """True when a browser says that another site's page sent this. `public_url` is our origin.

    Origin is compared with the address visitors use, never with Host, which a proxy may rewrite.
    """
    site = headers.get("Sec-Fetch-Site")
    if site:
        return site not in ("same-origin", "none")
    origin = headers.get("Origin")
    return bool(origin) and origin != public_url
