"""How the report looks: light, dark and printed, on a desk and on a telephone."""

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --paper: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de; --card: #f6f8fa;
  --area: #9cc3f0; --stroke: #0a58b5; --second: #8a4600; --level: #b3261e; --good: #1a6f37;
  --bad: #b3261e; --fair: #855b00; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #0f1419; --ink: #e6edf3; --quiet: #9aa5b1; --line: #39424e; --card: #182028;
  --area: #1f4b7d; --stroke: #79b8ff; --second: #f0a35e; --level: #ff8a80; --good: #6fd08c;
  --bad: #ff8a80; --fair: #e3b341; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 4rem; background: var(--paper);
  color: var(--ink); overflow-wrap: anywhere; }
:lang(ko) { word-break: keep-all; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
p, ul { max-width: 46rem; margin: .5rem 0 .75rem; }
ul { padding-left: 1.2rem; }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
.cards { display: grid; gap: .75rem; margin: 1.5rem 0; padding: 0; list-style: none;
  max-width: none; grid-template-columns: repeat(3, 1fr); }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem .9rem; display: flex; flex-direction: column; justify-content: space-between; }
.cards b { display: block; font-size: 1.45rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
svg { width: 100%; height: auto; display: block; }
svg.narrow { display: none; }
svg text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
svg text.label { fill: var(--ink); font-size: 13px; }
.grid { stroke: var(--line); stroke-width: 1; }
.area { fill: var(--area); stroke: var(--stroke); stroke-width: 1; }
.line { fill: none; stroke: var(--second); stroke-width: 1.5; }
.dot { fill: var(--stroke); stroke: none; }
.dot.line { fill: var(--second); }
.level { stroke: var(--level); stroke-width: 1.5; stroke-dasharray: 8 4; }
.rail { fill: var(--card); stroke: var(--line); }
.bar { fill: var(--stroke); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.legend i { display: inline-block; width: 1.4rem; height: .7rem; margin-right: .4rem; }
.legend .area { background: var(--area); border: 1px solid var(--stroke); }
.legend .line { height: 0; border-top: 2px solid var(--second); vertical-align: middle; }
.legend .level { height: 0; border-top: 2px dashed var(--level); vertical-align: middle; }
.scroll { overflow-x: auto; margin: 1rem 0; border: 1px solid var(--line); border-radius: .5rem; }
.scroll:focus-visible { outline: 3px solid var(--stroke); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .92rem; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.caption { margin: 1.25rem 0 .4rem; font-weight: 600; max-width: none; }
.caption + .scroll { margin-top: 0; }
th, td { padding: .45rem .75rem; text-align: right; vertical-align: top; white-space: nowrap;
  border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; white-space: normal;
  min-width: 6rem; vertical-align: bottom; overflow-wrap: normal; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--paper);
  max-width: 14rem; white-space: normal; }
thead th.text { text-align: left; }
td.text { text-align: left; white-space: normal; min-width: 14rem; }
td.text p { margin: 0 0 .35rem; } td.text p:last-child { margin: 0; }
.entry { display: grid; grid-template-columns: 17rem 1fr; gap: 0 1.5rem; padding: .9rem 0;
  border-bottom: 1px solid var(--line); }
.entry h3 { font-size: 1rem; margin: 0; } .entry p { margin: 0; font-size: .92rem; }
.entry ul { margin: 0; } .entry li + li { margin-top: .35rem; }
.good { color: var(--good); } .fair { color: var(--fair); } .bad { color: var(--bad); }
.good, .fair, .bad { font-weight: 600; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
@media (max-width: 40rem) {
  body { padding: 1rem .85rem 3rem; }
  h1 { font-size: 1.45rem; }
  svg.wide { display: none; } svg.narrow { display: block; }
  .cards { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .cards li { padding: .6rem .7rem; } .cards b { font-size: 1.15rem; }
  th, td { padding: .4rem .55rem; } th:first-child { min-width: 6.5rem; max-width: 9rem; }
  .entry { grid-template-columns: 1fr; gap: .5rem; }
}
@media print {
  :root { color-scheme: light; font-size: 11pt; --paper: #fff; --ink: #000; --quiet: #444;
    --line: #bbb; --card: #fff; --area: #ccdff5; --stroke: #0a58b5; --second: #8a4600;
    --level: #b3261e; --good: #1a6f37; --bad: #b3261e; --fair: #855b00; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; }
  .scroll { overflow: visible; border: 0; } th:first-child { position: static; }
  th, td { padding: .25rem .4rem; white-space: normal; } thead { display: table-header-group; }
  svg.wide { display: block; } svg.narrow { display: none; }
  figure, tr, .entry, .cards li { break-inside: avoid; } h2 { break-after: avoid; }
}
"""
