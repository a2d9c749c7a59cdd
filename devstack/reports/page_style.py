"""The style of the HTML report: light and dark as the reader's system has it, and on paper."""

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5c6878;--line:#e1e5eb;--good:#15803d;--good-bg:#e7f6ec;
--bad:#c02626;--bad-bg:#fdecec;--warn:#a16207;--warn-bg:#fdf4dc;--skip:#64748b;--accent:#2f5fd0;--calm:#9db4e8;--wait:#cfd6e2;--code:#f1f3f7}
@media(prefers-color-scheme:dark){:root{--bg:#0f141b;--card:#171e28;--ink:#e4e9f0;--soft:#93a0b2;--line:#28323f;--good:#4ade80;
--good-bg:#12301f;--bad:#f87171;--bad-bg:#3a1a1d;--warn:#fbbf24;--warn-bg:#35290e;--skip:#94a3b8;--accent:#7ea2ff;--calm:#3f5690;
--wait:#333e4e;--code:#111821}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1060px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;line-height:1.2;margin:0;display:flex;gap:14px;align-items:center;flex-wrap:wrap}
h2{font-size:16px;margin:36px 0 12px}h2 small{color:var(--soft);font-weight:400;font-size:13px;margin-left:8px}
.about{color:var(--soft);margin:8px 0 22px;display:flex;gap:6px 18px;flex-wrap:wrap;font-size:14px}
.verdict{font-size:14px;font-weight:600;padding:4px 12px;border-radius:99px}
.verdict.pass{color:var(--good);background:var(--good-bg)}.verdict.fail{color:var(--bad);background:var(--bad-bg)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:12px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tile{padding:12px 16px}.tile b{display:block;font-size:25px;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
.tile.pass b{color:var(--good)}.tile.fail b{color:var(--bad)}.tile.warn b{color:var(--warn)}
.card{padding:6px 18px;margin:0 0 12px;overflow:hidden}.card.picture{padding:16px 18px;overflow-x:auto}
.card.failed{border-left:4px solid var(--bad)}.card.warned{border-left:4px solid var(--warn)}
.row{display:grid;grid-template-columns:22px 1fr auto;gap:4px 10px;padding:9px 0;border-top:1px solid var(--line);align-items:baseline}
.row:first-child,summary>.row{border-top:0}.row time{color:var(--soft);font-size:13px;font-variant-numeric:tabular-nums}
.row .saw{grid-column:2/4;color:var(--soft);font-size:13.5px;overflow-wrap:anywhere}
.sign{font-weight:700;text-align:center}.sign.pass{color:var(--good)}.sign.fail{color:var(--bad)}.sign.warn{color:var(--warn)}
.sign.skip{color:var(--skip)}
code,pre,.name,.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.id{font-size:12.5px;color:var(--soft)}
pre{background:var(--code);border:1px solid var(--line);border-radius:8px;margin:8px 0;padding:10px 12px;font-size:12.5px;line-height:1.45;
max-height:26em;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:84px 1fr;gap:3px 12px;margin:2px 0 10px;font-size:14px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}dd code{background:var(--code);padding:1px 6px;border-radius:5px;font-size:13px}
details>summary{cursor:pointer;list-style:none}details>summary::-webkit-details-marker{display:none}
details.group>summary{padding:9px 0;font-weight:600;display:flex;gap:10px;align-items:baseline}
details.group>summary::before{content:"▸";color:var(--soft);width:12px}details.group[open]>summary::before{content:"▾"}
details.group>summary span{font-weight:400;color:var(--soft);font-size:13px}
details.more>summary{color:var(--accent);font-size:13px;grid-column:2/4}details.more{grid-column:2/4}
table{border-collapse:collapse;width:100%;font-size:14px}th{color:var(--soft);font-weight:500;text-align:left;font-size:13px}
th,td{padding:8px 14px 8px 0;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}tr:first-child>th{border-top:0}
td.word,th{overflow-wrap:normal}
td code{font-size:12.5px}
.gauge{height:8px;background:var(--wait);border-radius:99px;overflow:hidden;margin:8px 0 4px}.gauge i{display:block;height:100%;
background:var(--accent);border-radius:99px}.gauge.over i{background:var(--bad)}
.legend{color:var(--soft);font-size:13px;margin:4px 0 12px;display:flex;gap:6px 18px;flex-wrap:wrap}
.legend i{display:inline-block;width:14px;height:9px;border-radius:2px;margin-right:6px}
svg{display:block;width:100%;height:auto}
@media(max-width:700px){main{padding:20px 14px 48px}.picture svg{min-width:680px}table{min-width:640px}.card{overflow-x:auto}}
svg text{font-size:13px;fill:var(--ink)}svg .axis{font-size:12px;fill:var(--soft)}
svg .bad{font-size:12px;fill:var(--bad)}svg .grid{stroke:var(--line)}svg .waiting{fill:var(--wait)}svg .starting,svg .before{fill:var(--calm)}
svg .critical,svg .now{fill:var(--accent)}svg .failed{fill:var(--bad);opacity:.6}
svg .usual{stroke:var(--ink);stroke-width:2;stroke-dasharray:3 2}
svg .budget{stroke:var(--bad);stroke-dasharray:5 4}svg .node{fill:var(--code);stroke:var(--line)}svg .bad-node{stroke:var(--bad)}
svg .dot{fill:var(--good)}svg .dot-bad{fill:var(--bad)}svg .edge{fill:none;stroke:var(--soft);stroke-width:1.5}
svg .loose{stroke-dasharray:5 4}svg .done{stroke-dasharray:1.5 3}svg .tip{fill:var(--soft)}
footer{color:var(--soft);font-size:13px;margin-top:40px}
@media print{body{background:#fff}.card,.tile{break-inside:avoid}pre{max-height:none}}
"""
