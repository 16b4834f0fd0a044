"""The style sheet of every page, in light and dark, and the policy that allows it and nothing else."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--page:#fff;--text:#1b2430;--quiet:#55606e;--line:#d5dbe3;--panel:#f4f6f9;--link:#0a58b0;--good:#176b37;
--bad:#b3261e;--warning:#8a5300;--bar:#1f6fc0;--grid:#c3ccd6;--focus:#b45309;
--h1:#e8f1fb;--h2:#cfe3f7;--h3:#b3d3f2;--h4:#92c0ec;--h5:#6eaae3;--h6:#1f6fc0;--h7:#175a9e;--h8:#10467d;--h9:#0a335c;--low:#0b1f33;--high:#fff}
@media (prefers-color-scheme:dark){:root{--page:#11161d;--text:#e6eaf0;--quiet:#a9b4c1;--line:#333d4a;--panel:#1a212b;--link:#86bdf5;--good:#7cd49a;
--bad:#ff9d94;--warning:#f2bd68;--bar:#6aaef0;--grid:#3f4b5a;--focus:#f2bd68;
--h1:#14263b;--h2:#17324f;--h3:#1a3e64;--h4:#1d4b7a;--h5:#205890;--h6:#5c9fe0;--h7:#7cb4ea;--h8:#9fcaf2;--h9:#c5e0f9;--low:#f2f6fa;--high:#0b1520}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem;z-index:1}
header{border-bottom:1px solid var(--line);background:var(--panel)}
header>div,main,footer{max-width:86rem;margin:0 auto;padding:.75rem 1.25rem}
.brand{font-weight:700;margin:0}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:.35rem 0 0;padding:0}
nav a{display:inline-block;padding:.25rem 0;text-decoration:none;border-bottom:2px solid transparent}
nav a:hover{text-decoration:underline}
nav [aria-current]{border-color:currentColor;color:var(--text);font-weight:600}
h1{font-size:1.6rem;line-height:1.25;margin:.75rem 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:1.75rem 0 .5rem;overflow-wrap:anywhere}
h3{font-size:1.05rem;margin:1.25rem 0 .4rem;overflow-wrap:anywhere}
h4{font-size:1rem;margin:1rem 0 .3rem;overflow-wrap:anywhere}
.quiet,footer,caption{color:var(--quiet)}
p,dd,li{overflow-wrap:anywhere}
.good{color:var(--good)}.bad{color:var(--bad)}.warning{color:var(--warning)}
.good,.bad,.warning{font-weight:600}
.totals{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.75rem;margin:1rem 0;padding:0}
.totals>div{border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;background:var(--panel)}
.totals dt{color:var(--quiet);font-size:.875rem}
.totals dd{margin:0;font-size:1.5rem;font-weight:600;font-variant-numeric:tabular-nums}
.facts{margin:.75rem 0}
.facts>div{display:grid;grid-template-columns:8rem minmax(0,1fr);gap:0 1rem;padding:.15rem 0}
.facts dt{color:var(--quiet)}.facts dd{margin:0}
.scroll{overflow-x:auto;max-width:100%;margin:.5rem 0 1rem;border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;padding:.5rem .7rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-top:1px solid var(--line)}
td{min-width:8rem;max-width:32rem;overflow-wrap:break-word}
thead th{background:var(--panel);white-space:nowrap}
tbody th{font-weight:600;min-width:9rem;max-width:24rem;overflow-wrap:anywhere}
.number{min-width:0;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.time{white-space:nowrap;font-variant-numeric:tabular-nums}
code{font:.875em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.heat th,.heat td{padding:.3rem .25rem;text-align:center;min-width:2.4rem;border:1px solid var(--page);font-variant-numeric:tabular-nums}
.heat tbody th{text-align:left;white-space:nowrap;padding-right:.6rem}
.h1,.h2,.h3,.h4,.h5{color:var(--low)}.h6,.h7,.h8,.h9{color:var(--high)}
.h1{background:var(--h1)}.h2{background:var(--h2)}.h3{background:var(--h3)}.h4{background:var(--h4)}.h5{background:var(--h5)}
.h6{background:var(--h6)}.h7{background:var(--h7)}.h8{background:var(--h8)}.h9{background:var(--h9)}
.chart{padding:.5rem}.chart svg{display:block;width:100%;min-width:40rem;height:auto}
.bar{fill:var(--bar)}.grid{stroke:var(--grid);stroke-width:1}.label{fill:var(--quiet);font-size:12px}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end;margin:.75rem 0}
form>div{flex:1 1 14rem;max-width:28rem}
label{display:block;font-size:.9rem}
input,button{font:inherit;color:inherit;background:var(--page);border:1px solid var(--quiet);border-radius:.3rem;padding:.4rem .6rem;width:100%}
button{width:auto;background:var(--panel);cursor:pointer}
.pager{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;align-items:center}
.problems{padding-left:1.2rem}
.entry{border-top:1px solid var(--line);margin-top:1.25rem}
footer{font-size:.875rem;border-top:1px solid var(--line);margin-top:2rem}
@media (max-width:40rem){header>div,main,footer{padding-left:.9rem;padding-right:.9rem}.facts>div{grid-template-columns:1fr}
th,td{padding:.35rem .45rem}td{min-width:4.75rem;max-width:16rem}tbody th{min-width:7rem}}
@media print{nav,.skip,form{display:none}}
"""
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""The Content-Security-Policy of a page: this style sheet, forms of the same host, and nothing else."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of every page."""
